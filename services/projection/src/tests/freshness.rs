//! How far answers are behind the log, by a clock that the test moves.

use bus::FollowStatus;
use jiff::SignedDuration;
use tokio::sync::watch;
use tonic::Request;
use wire::v1;
use wire::v1::query_service_server::QueryService as _;

use super::{Service, defined, registered};
use crate::service::listen;

impl Service {
    /// Lets the service hear what a follower says of itself.
    async fn hears(&self, said: FollowStatus) {
        let (status, seen) = watch::channel(FollowStatus::default());
        status.send_replace(said);
        // Without the sender, `listen` ends once it has heard that.
        drop(status);
        listen(&self.api.shared, seen).await;
    }

    /// Lets it hear a heartbeat of the relay.
    async fn beat(&self, head: u64) {
        let position = self.api.shared.position();
        self.hears(FollowStatus {
            position,
            head,
            beats: 1,
            ..FollowStatus::default()
        })
        .await;
    }

    fn pass(&self, seconds: i64) {
        self.clock.advance(SignedDuration::from_secs(seconds));
    }

    /// Positions behind, seconds behind, and seconds since the head was heard of.
    async fn fresh(&self) -> (u64, f64, f64) {
        let request = Request::new(v1::ListIndicatorsRequest::default());
        let answer = self.api.list_indicators(request).await.unwrap();
        let at = answer.into_inner().at.unwrap();
        (
            at.behind_positions,
            at.behind_seconds,
            at.head_heard_seconds,
        )
    }
}

#[tokio::test]
async fn an_answer_says_what_it_lacks_until_that_is_folded() {
    let service = Service::new();
    service.take("2023-04-10", defined());
    service.beat(3).await;
    assert_eq!(service.fresh().await, (2, 0.0, 0.0));
    service.pass(4);
    assert_eq!(service.fresh().await, (2, 4.0, 4.0));
    service.take("2023-04-10", registered("56", "Tỉnh Khánh Hòa", None));
    assert_eq!(service.fresh().await, (1, 4.0, 4.0));
    service.take("2023-04-10", registered("01", "Thành phố Hà Nội", None));
    assert_eq!(service.fresh().await, (0, 0.0, 4.0));
}

#[tokio::test]
async fn under_a_steady_load_only_what_is_missing_counts() {
    let service = Service::new();
    service.take("2023-04-10", defined());
    service.beat(2).await;
    service.pass(5);
    service.beat(3).await;
    service.pass(1);
    service.beat(4).await;
    assert_eq!(service.fresh().await, (3, 6.0, 0.0));
    // Position 2 was known of for 6 s, position 3 is for 1 s.
    service.take("2023-04-10", registered("56", "Tỉnh Khánh Hòa", None));
    assert_eq!(service.fresh().await, (2, 1.0, 0.0));
    for (code, name) in [("01", "Thành phố Hà Nội"), ("48", "Thành phố Đà Nẵng")] {
        service.take("2023-04-10", registered(code, name, None));
    }
    assert_eq!(service.fresh().await, (0, 0.0, 0.0));
    service.pass(60);
    service.beat(9).await;
    assert_eq!(service.fresh().await, (5, 0.0, 0.0));
}

#[tokio::test]
async fn a_cut_bus_shows_though_nothing_is_known_to_be_missing() {
    let service = Service::new();
    service.take("2023-04-10", defined());
    service.beat(1).await;
    service.pass(45);
    assert_eq!(service.fresh().await, (0, 0.0, 45.0));
    let lost = FollowStatus {
        position: 1,
        head: 1,
        generation: 7,
        last_error: Some("the connection was lost".to_owned()),
        ..FollowStatus::default()
    };
    service.hears(lost.clone()).await;
    let cut = "that the bus is looked for in vain says nothing of the log";
    assert_eq!(service.fresh().await, (0, 0.0, 45.0), "{cut}");
    let delivered = FollowStatus { applied: 1, ..lost };
    service.hears(delivered).await;
    assert_eq!(service.fresh().await, (0, 0.0, 0.0));
    service.pass(-10);
    let set_back = "a clock that was put back makes nothing older";
    assert_eq!(service.fresh().await, (0, 0.0, 0.0), "{set_back}");
}

#[tokio::test]
async fn both_views_of_a_difference_say_how_fresh_they_are() {
    let service = Service::new();
    service.take("2023-04-10", registered("56", "Tỉnh Khánh Hòa", None));
    service.beat(8).await;
    service.pass(2);
    let from = v1::ReadAt {
        as_of: "2023-06-02".to_owned(),
        ..v1::ReadAt::default()
    };
    let request = v1::DiffLocalityRequest {
        code: "56".to_owned(),
        from: Some(from),
        ..v1::DiffLocalityRequest::default()
    };
    let answer = service.api.diff_locality(Request::new(request)).await;
    let answer = answer.unwrap().into_inner();
    for at in [answer.from, answer.to].map(Option::unwrap) {
        assert_eq!((at.behind_positions, at.behind_seconds), (7, 2.0));
    }
}
