//! More silences than an answer holds: listed page by page, and some of them told beside a case.

use futures::{StreamExt as _, TryStreamExt as _};
use tonic::Code;
use tonic::transport::Channel;
use wire::status::refusal;
use wire::v1;
use wire::v1::alerting_service_client::AlertingServiceClient;
use wire::v1::event::Body;

use crate::common::{World, cases, name, place, source};
use crate::story::{CASE, founding};

type Client = AlertingServiceClient<Channel>;

/// More than 4 MiB of silences that hold at a time: each has 9 KB.
const MANY: usize = 520;
/// Most places of a silence.
const PLACES: usize = 256;

/// The longest name there is, three bytes a letter.
fn long() -> String {
    "ộ".repeat(300)
}

fn author() -> Option<v1::Actor> {
    Some(v1::Actor {
        organisation: long(),
        office: long(),
    })
}

fn ward(number: usize) -> Option<v1::LocalityRef> {
    place(&format!("{}", 10_000 + number))
}

fn wards() -> Vec<(&'static str, Body)> {
    let wards = (1..PLACES).map(|number| {
        let ward = v1::LocalityRegistered {
            locality: ward(number),
            level: v1::Level::Commune as i32,
            name: name("Phường Hà Cầu"),
            parent: place("268"),
            start_known: false,
            source: source(),
        };
        ("2023-04-10", Body::LocalityRegistered(ward))
    });
    wards.collect()
}

async fn set(client: &mut Client) -> String {
    let places = (1..PLACES).map(ward).chain([place("268")]);
    let places = places.map(|locality| v1::SilencedPlace {
        locality,
        below: true,
    });
    let request = v1::SetSilenceRequest {
        places: places.collect(),
        author: author(),
        reason: long(),
        until: "2023-07-31".to_owned(),
        ..v1::SetSilenceRequest::default()
    };
    let answer = client.set_silence(request).await.unwrap().into_inner();
    answer.silence.unwrap().set.unwrap().silence_id
}

async fn end(client: &mut Client, silence_id: &str) {
    let request = v1::EndSilenceRequest {
        silence_id: silence_id.to_owned(),
        author: author(),
        ..v1::EndSilenceRequest::default()
    };
    client.end_silence(request).await.unwrap();
}

fn ids(silences: &[v1::Silence]) -> Vec<String> {
    let sets = silences.iter().filter_map(|silence| silence.set.clone());
    sets.map(|set| set.silence_id).collect()
}

async fn page(client: &mut Client, request: v1::ListSilencesRequest) -> (Vec<v1::Silence>, String) {
    let answer = client.list_silences(request).await.unwrap().into_inner();
    (answer.silences, answer.next_page_token)
}

#[tokio::test(flavor = "multi_thread")]
async fn more_silences_than_an_answer_holds_are_listed_and_ended() {
    let world = World::start().await;
    let alerting = world.alerting("2023-07-05").await;
    let position = world.record([founding(), wards()].concat()).await;
    assert_eq!(cases(&alerting, position).await.len(), 1);
    let mut client = AlertingServiceClient::new(alerting.channel().await);
    let setting = (0..MANY).map(|_| {
        let mut client = client.clone();
        async move { Ok::<_, tonic::Status>(set(&mut client).await) }
    });
    let set_before = futures::stream::iter(setting).buffer_unordered(64);
    let set_before: Vec<String> = set_before.try_collect().await.unwrap();

    let told = client.get_case(v1::GetCaseRequest {
        case_id: CASE.to_owned(),
        ..v1::GetCaseRequest::default()
    });
    let told = told.await.unwrap().into_inner();
    assert_eq!(told.case.unwrap().silence_ids.len(), MANY);
    assert_eq!(told.silences.len() + told.silences_left_out as usize, MANY);
    assert_eq!(told.silences.len(), 64);

    comes_in_pages_as_it_was_at_the_first(&mut client, set_before).await;
    is_refused(&mut client).await;
    alerting.stop().await;
    world.stop().await;
}

/// What is set or ended in between is seen by who begins again.
async fn comes_in_pages_as_it_was_at_the_first(client: &mut Client, set_before: Vec<String>) {
    let mut request = v1::ListSilencesRequest {
        page_size: 1_000,
        ..v1::ListSilencesRequest::default()
    };
    let (first, token) = page(client, request.clone()).await;
    assert!(first.len() > 100 && first.len() < MANY, "{}", first.len());
    let shown = ids(&first);
    let next = set_before.iter().find(|id| !shown.contains(id)).unwrap();
    end(client, next).await;
    end(client, &shown[0]).await;
    let new = set(client).await;
    request.page_token = token;
    let (second, token) = page(client, request).await;
    assert_eq!(token, "");
    let all = [first, second].concat();
    let positions: Vec<u64> = all.iter().map(|silence| silence.set_position).collect();
    assert!(
        positions.is_sorted_by(|a, b| a > b),
        "newest first, each once"
    );
    let (mut listed, mut expected) = (ids(&all), set_before);
    listed.sort_unstable();
    expected.sort_unstable();
    assert_eq!(listed, expected);
    assert!(all.iter().all(|silence| silence.in_force));

    let anew = v1::ListSilencesRequest {
        page_size: 1,
        ..v1::ListSilencesRequest::default()
    };
    let (anew, _) = page(client, anew).await;
    assert_eq!(ids(&anew), [new]);
    let ended = v1::ListSilencesRequest {
        include_ended: true,
        page_size: 2,
        ..v1::ListSilencesRequest::default()
    };
    let (ended, token) = page(client, ended).await;
    assert_eq!(ids(&ended)[1], shown[0]);
    assert!(!ended[1].in_force && ended[1].ended_position > 0);
    // A token is bound to what was asked.
    let other = v1::ListSilencesRequest {
        page_token: token,
        ..v1::ListSilencesRequest::default()
    };
    let status = client.list_silences(other).await.unwrap_err();
    assert_eq!(refusal(&status).violations[0].field, "page_token");
}

async fn is_refused(client: &mut Client) {
    for (size, token, field) in [(-1, "", "page_size"), (0, "zz", "page_token")] {
        let request = v1::ListSilencesRequest {
            page_size: size,
            page_token: token.to_owned(),
            ..v1::ListSilencesRequest::default()
        };
        let status = client.list_silences(request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(refusal(&status).violations[0].field, field);
    }
}
