//! The answers of the projection, over gRPC.

use std::collections::HashMap;
use std::sync::Arc;

use tonic::transport::Channel;
use wire::v1;
use wire::v1::query_service_client::QueryServiceClient;

use super::question::{Answers, FIRST_PAGE, Plan, Question, chained, on, ranking};
use crate::Failure;
use crate::client::Clients;
use crate::endpoints::Endpoints;
use crate::lang::Lang;

/// A client with a connection of its own.
#[derive(Clone)]
pub(super) struct Tiendo {
    client: QueryServiceClient<Channel>,
    plan: Arc<Plan>,
    lang: Lang,
}

impl Tiendo {
    pub(super) async fn connect(
        address: &str,
        plan: &Arc<Plan>,
        lang: Lang,
    ) -> Result<Self, Failure> {
        let endpoints = Endpoints {
            projection: address.to_owned(),
            ..Endpoints::default()
        };
        Ok(Self {
            client: Clients::new(endpoints).query().await?,
            plan: Arc::clone(plan),
            lang,
        })
    }

    async fn sum(
        &mut self,
        code: &str,
        indicator: &str,
        at: v1::ReadAt,
    ) -> Result<Option<u64>, tonic::Status> {
        let request = v1::RollUpIndicatorRequest {
            indicator: indicator.to_owned(),
            code: code.to_owned(),
            at: Some(at),
            ..Default::default()
        };
        let sum = self.client.roll_up_indicator(request).await?.into_inner();
        Ok(sum.value.as_ref().and_then(count))
    }

    /// The sums of the provinces that report, in the order of the plan.
    async fn country(&mut self, indicator: &str, at: v1::ReadAt) -> Result<u64, tonic::Status> {
        let request = v1::RollUpIndicatorRequest {
            indicator: indicator.to_owned(),
            at: Some(at),
            ..Default::default()
        };
        let answer = self.client.roll_up_indicator(request).await?.into_inner();
        let sums = answer.provinces.into_iter().filter_map(|sum| {
            let code = sum.locality?.r#ref?.code;
            Some((code, sum.value.as_ref().and_then(count)?))
        });
        let sums: HashMap<String, u64> = sums.collect();
        let of = |province: &String| sums.get(province).copied().unwrap_or_default();
        Ok(chained(self.plan.provinces.iter().map(of)))
    }

    async fn locality(&mut self, code: &str, at: v1::ReadAt) -> Result<u64, tonic::Status> {
        let request = v1::GetLocalityRequest {
            code: code.to_owned(),
            at: Some(at),
            ..Default::default()
        };
        let answer = self.client.get_locality(request).await?.into_inner();
        let standings = answer.locality.unwrap_or_default().indicators;
        let counts = standings
            .iter()
            .filter_map(|one| count(one.figure.as_ref()?.value.as_ref()?));
        Ok(counts.map(|count| count + 1).sum())
    }

    async fn ranking(
        &mut self,
        question: Question,
        indicator: &str,
        at: v1::ReadAt,
    ) -> Result<u64, tonic::Status> {
        let request = v1::RankLocalitiesRequest {
            indicator: indicator.to_owned(),
            level: v1::Level::Commune as i32,
            at: Some(at),
            page_size: FIRST_PAGE,
            ..Default::default()
        };
        let pages = match question {
            Question::Ranking => vec![self.client.rank_localities(request).await?.into_inner()],
            _ => ranking(&mut self.client, request).await?,
        };
        let ranked = pages.iter().flat_map(|page| &page.localities);
        let ranked = ranked.flat_map(|one| {
            let reference = one.locality.as_ref().and_then(|head| head.r#ref.as_ref());
            let code = reference.and_then(|reference| reference.code.parse().ok());
            let share = u64::from(one.share_hundredths.unwrap_or_default());
            [u64::from(one.rank), code.unwrap_or_default(), share]
        });
        Ok(chained(ranked))
    }

    async fn diff(
        &mut self,
        code: &str,
        indicator: &str,
        [from, to]: [v1::ReadAt; 2],
    ) -> Result<u64, tonic::Status> {
        let request = v1::DiffLocalityRequest {
            code: code.to_owned(),
            indicator: indicator.to_owned(),
            from: Some(from),
            to: Some(to),
        };
        let answer = self.client.diff_locality(request).await?.into_inner();
        let diff = answer.indicators.first();
        let split = diff.and_then(|diff| diff.rolled_up.as_ref()?.count);
        let split = split.unwrap_or_default();
        Ok(chained([
            split.from.unwrap_or_default(),
            split.to.unwrap_or_default(),
            split.corrections.cast_unsigned(),
            split.new_work.cast_unsigned(),
        ]))
    }

    async fn ask(&mut self, question: Question, n: u64) -> Result<u64, tonic::Status> {
        let plan = Arc::clone(&self.plan);
        let about = plan.about(n);
        let (newest, then) = (on(plan.last, None), on(about.day, Some(about.known)));
        let one = |sum: Option<u64>| sum.map_or(0, |sum| sum + 1);
        match question {
            Question::Figure => {
                let figure = self.sum(about.commune, about.indicator, newest).await;
                figure.map(one)
            }
            Question::FigureAsOf => {
                let figure = self.sum(about.commune, about.indicator, then).await;
                figure.map(one)
            }
            Question::Locality => self.locality(about.commune, newest).await,
            Question::LocalityAsOf => self.locality(about.commune, then).await,
            Question::Ranking | Question::RankingWhole => {
                self.ranking(question, about.indicator, newest).await
            }
            Question::RollUp => self.country(about.indicator, newest).await,
            Question::Diff => {
                let from = on(about.day, Some(about.known_then));
                self.diff(about.province, about.indicator, [from, newest])
                    .await
            }
        }
    }
}

impl Answers for Tiendo {
    async fn answer(&mut self, question: Question, n: u64) -> Result<u64, Failure> {
        let answer = self.ask(question, n).await;
        answer.map_err(|status| Failure::status(&status, self.lang))
    }
}

fn count(quantity: &v1::Quantity) -> Option<u64> {
    match quantity.number {
        Some(v1::quantity::Number::Count(count)) => u64::try_from(count).ok(),
        _ => None,
    }
}
