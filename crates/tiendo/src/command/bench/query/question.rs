//! What is asked, the same of everybody who answers.
//!
//! The n-th time that a question is asked, it is about a place, an indicator and a day that follow from n alone.
//! An answer is told as one number that follows from all counts in it, so that two who answer can be compared.

use std::future::Future;

use jiff::ToSpan as _;
use jiff::civil::Date;
use prost::Message as _;
use tonic::transport::Channel;
use wire::v1;
use wire::v1::query_service_client::QueryServiceClient;

use super::measure::Pace;
use crate::Failure;
use crate::cli::BenchQuery;
use crate::client::Clients;
use crate::command::bench::sample::hash;
use crate::endpoints::Endpoints;
use crate::fail::{NOT_FOUND, USAGE};
use crate::output::Output;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    /// The newest figure of a commune and an indicator.
    Figure,
    /// The same on an earlier day, as it was known some days later.
    FigureAsOf,
    /// Everything about a commune; told are the newest figures of all its indicators.
    Locality,
    /// The same on an earlier day, as it was known some days later.
    LocalityAsOf,
    /// All communes by their share of an indicator, the first page of them told.
    Ranking,
    /// The same, and all pages told.
    RankingWhole,
    /// The whole country, with the sum over the communes of every province.
    RollUp,
    /// How a province's sum went from an earlier day to the last one: corrections and new work.
    Diff,
}

impl Question {
    pub(super) const ALL: [Self; 8] = [
        Self::Figure,
        Self::FigureAsOf,
        Self::Locality,
        Self::LocalityAsOf,
        Self::Ranking,
        Self::RankingWhole,
        Self::RollUp,
        Self::Diff,
    ];

    /// How each question is asked: what is read a lot by one client and by many, these also at a rate a second.
    pub(super) fn asked(most: usize, rate: u32) -> Vec<(Self, usize, Pace)> {
        let loads = |question: Self| {
            let mut loads = vec![(1, Pace::Closed)];
            let is_rare = matches!(
                question,
                Self::Ranking | Self::RankingWhole | Self::RollUp | Self::Diff
            );
            if !is_rare {
                loads.extend((most > 1).then_some((most, Pace::Closed)));
                loads.push((most, Pace::Rate(rate)));
            }
            loads
        };
        let all = Self::ALL.into_iter();
        let each = |question| {
            loads(question)
                .into_iter()
                .map(move |(clients, pace)| (question, clients, pace))
        };
        all.flat_map(each).collect()
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Figure => "figure, newest",
            Self::FigureAsOf => "figure, as of",
            Self::Locality => "locality, newest",
            Self::LocalityAsOf => "locality, as of",
            Self::Ranking => "ranking, first page",
            Self::RankingWhole => "ranking, all pages",
            Self::RollUp => "roll-up",
            Self::Diff => "diff",
        }
    }
}

/// Somebody who answers.
pub(super) trait Answers: Clone + Send + 'static {
    /// The answer when it is asked for the n-th time, as one number.
    fn answer(
        &mut self,
        question: Question,
        n: u64,
    ) -> impl Future<Output = Result<u64, Failure>> + Send;
}

/// What there is to ask about.
pub(super) struct Plan {
    /// Codes of all communes that report.
    pub(super) communes: Vec<String>,
    pub(super) provinces: Vec<String>,
    /// Codes of the indicators that are reported about.
    pub(super) indicators: Vec<String>,
    pub(super) first: Date,
    pub(super) last: Date,
    /// The position known by noon after each day.
    mornings: Vec<u64>,
    pub(super) head: u64,
    /// Bytes of the ranking of all communes as one answer.
    pub(super) ranking_bytes: usize,
}

/// What a question is about.
pub(super) struct About<'p> {
    pub(super) commune: &'p str,
    pub(super) province: &'p str,
    pub(super) indicator: &'p str,
    /// A day before the last one.
    pub(super) day: Date,
    /// What was on record on the morning after it.
    pub(super) known_then: u64,
    /// What was on record some mornings later.
    pub(super) known: u64,
}

impl Plan {
    /// Asks the projection what there is.
    pub(super) async fn read(
        projection: &str,
        options: &BenchQuery,
        mornings: Vec<u64>,
        output: Output,
    ) -> Result<Self, Failure> {
        let load = &options.load;
        let last = load.from.saturating_add(i64::from(load.days - 1).days());
        let endpoints = Endpoints {
            projection: projection.to_owned(),
            ..Endpoints::default()
        };
        let mut client = Clients::new(endpoints).query().await?;
        let told = |status: tonic::Status| Failure::status(&status, output.lang);
        let mut reporting = async |level: v1::Level, indicator: String| {
            let request = v1::RankLocalitiesRequest {
                indicator,
                level: level as i32,
                at: Some(on(last, None)),
                ..Default::default()
            };
            ranking(&mut client, request).await.map_err(told)
        };
        // Every place reports the first one.
        let first = "cccd.issued".to_owned();
        let communes = reporting(v1::Level::Commune, first.clone()).await?;
        let provinces = reporting(v1::Level::Province, first).await?;
        let at = communes.first().and_then(|page| page.at.as_ref());
        let head = at.map_or(0, |at| at.folded_position);
        let ranking_bytes = communes
            .iter()
            .map(v1::RankLocalitiesResponse::encoded_len)
            .sum();
        let [communes, provinces] = [communes, provinces].map(codes);
        let Some(commune) = communes.first() else {
            let text = format!(
                "nobody reports about {last} in this log; name its days with --from and --days"
            );
            return Err(Failure::new(NOT_FOUND, text));
        };
        let request = v1::GetLocalityRequest {
            code: commune.clone(),
            at: Some(on(last, None)),
            ..Default::default()
        };
        let locality = client.get_locality(request).await.map_err(told)?;
        let standings = locality
            .into_inner()
            .locality
            .unwrap_or_default()
            .indicators;
        let told = standings.into_iter().filter(|one| one.figure.is_some());
        let plan = Self {
            indicators: told
                .filter_map(|one| Some(one.indicator?.indicator))
                .collect(),
            communes,
            provinces,
            first: load.from,
            last,
            mornings,
            head,
            ranking_bytes,
        };
        plan.check()
    }

    fn check(self) -> Result<Self, Failure> {
        if self.mornings.len() < 2 || self.provinces.is_empty() || self.indicators.is_empty() {
            let text = "the log does not hold what --from and --days say";
            return Err(Failure::new(USAGE, text));
        }
        Ok(self)
    }

    /// What a question is about when it is asked for the n-th time.
    pub(super) fn about(&self, n: u64) -> About<'_> {
        let draw = |of: u64, count: usize| (hash(n ^ of << 56) % count as u64) as usize;
        // The last day is what newest reads are about.
        let before = self.mornings.len() - 1;
        let day = draw(3, before);
        let known = day + draw(4, self.mornings.len() - day);
        About {
            commune: &self.communes[draw(0, self.communes.len())],
            province: &self.provinces[draw(1, self.provinces.len())],
            indicator: &self.indicators[draw(2, self.indicators.len())],
            day: self.first.saturating_add((day as i64).days()),
            known_then: self.mornings[day],
            known: self.mornings[known],
        }
    }
}

/// The moment of a question: a day, and what was on record at a position.
pub(super) fn on(day: Date, position: Option<u64>) -> v1::ReadAt {
    v1::ReadAt {
        as_of: day.to_string(),
        known_at: position.map_or_else(String::new, |position| position.to_string()),
        ..Default::default()
    }
}

/// Rows of the first page of a ranking.
pub(super) const FIRST_PAGE: i32 = 100;

/// All pages of a ranking.
pub(super) async fn ranking(
    client: &mut QueryServiceClient<Channel>,
    mut request: v1::RankLocalitiesRequest,
) -> Result<Vec<v1::RankLocalitiesResponse>, tonic::Status> {
    let mut pages = Vec::new();
    request.page_size = 1_000;
    loop {
        let page = client.rank_localities(request.clone()).await?.into_inner();
        request.page_token.clone_from(&page.next_page_token);
        pages.push(page);
        if request.page_token.is_empty() {
            return Ok(pages);
        }
    }
}

fn codes(ranking: Vec<v1::RankLocalitiesResponse>) -> Vec<String> {
    let localities = ranking.into_iter().flat_map(|page| page.localities);
    let heads = localities.filter_map(|one| one.locality);
    let mut codes: Vec<String> = heads
        .filter_map(|head| head.r#ref)
        .map(|reference| reference.code)
        .collect();
    codes.sort_unstable();
    codes
}

/// One number for a list of numbers in order.
pub(super) fn chained(numbers: impl IntoIterator<Item = u64>) -> u64 {
    numbers
        .into_iter()
        .fold(0, |sum, number| hash(sum ^ number))
}
