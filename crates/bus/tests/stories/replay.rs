//! The stream read once: whole, in order, to where it ended, whatever becomes of the consumer; and never with a hole.

use async_nats::jetstream;
use bus::{Access, Delivery, Message, Replay};
use futures::TryStreamExt;

use crate::common::{Bus, LEDGER, Log, Relay};

fn message(delivery: Delivery) -> Message {
    Message {
        position: delivery.position,
        subject: delivery.subject,
        payload: delivery.payload,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stream_is_read_whole_and_in_order_though_its_consumer_is_deleted() {
    let bus = Bus::start().await;
    // More than the server pushes before it is answered, and more than it pushes at all ahead of a reader.
    let log = Log::new(40_000);
    let mut relay = Relay::start(bus.url(), &log);
    relay.published(40_000).await;
    let mut replay = Replay::open(&Access::open(bus.url()), LEDGER)
        .await
        .unwrap();
    assert_eq!((replay.first(), replay.last()), (1, 40_000));
    // What comes later is not read.
    log.grow(40_010);
    relay.published(40_010).await;

    let context = jetstream::new(bus.client().await);
    let stream = context
        .get_stream(bus::subject::stream_name(LEDGER))
        .await
        .unwrap();
    let (mut read, mut deleted) = (Vec::new(), 0);
    while read.len() < 40_000 {
        let page = replay.read(read.len() as u64 + 1).await.unwrap();
        assert!(!page.is_empty());
        read.extend(page.into_iter().map(message));
        if deleted < 2 {
            let names: Vec<_> = stream.consumer_names().try_collect().await.unwrap();
            for name in &names {
                stream.delete_consumer(name).await.unwrap();
            }
            deleted += names.len();
        }
    }
    assert!(deleted >= 2, "{deleted}");
    assert_eq!(read, log.all()[..40_000]);
    assert!(replay.read(40_001).await.unwrap().is_empty());
    // From elsewhere, and one alone.
    let page = replay.read(17).await.unwrap();
    assert_eq!(message(page[0].clone()), log.message(17));
    let one = replay.at(40_000).await.unwrap().unwrap();
    assert_eq!(message(one), log.message(40_000));
    relay.stop().await;
    bus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_stream_has_dropped_meanwhile_is_told_and_not_passed_over() {
    let bus = Bus::start().await;
    let log = Log::new(500);
    let mut relay = Relay::start(bus.url(), &log);
    relay.published(500).await;
    let mut replay = Replay::open(&Access::open(bus.url()), LEDGER)
        .await
        .unwrap();
    let context = jetstream::new(bus.client().await);
    let stream = context
        .get_stream(bus::subject::stream_name(LEDGER))
        .await
        .unwrap();
    let config = jetstream::stream::Config {
        max_messages: 100,
        ..stream.cached_info().config.clone()
    };
    context.update_stream(config).await.unwrap();
    let refused = replay.read(1).await.unwrap_err();
    assert_eq!(refused.reason(), "STREAM_UNREADABLE");
    let said = refused.to_string();
    assert!(
        said.contains("message 401 came where 1 was expected"),
        "{said}"
    );
    assert_eq!(replay.at(1).await.unwrap(), None);
    assert_eq!(replay.read(401).await.unwrap().len(), 100);

    bus.delete_stream().await;
    relay.stop().await;
    let refused = replay.read(450).await.unwrap_err();
    assert_eq!(refused.reason(), "STREAM_UNREADABLE", "{refused}");
    bus.stop().await;
}
