//! A verdict in one short sentence, for a district official.
//!
//! Every basis has its own wording; figures and dates come from the verdict's terms, so the
//! sentence cannot say anything the verdict does not.

mod english;
mod vietnamese;

use crate::day::days_between;
use crate::text::Language;
use crate::verdict::{Terms, Verdict};

/// A forecast further away than this is no date to tell anybody, days.
const TOLD_DAYS_MAX: f64 = 3650.0;

/// What is counted, in both languages: `người` and `people`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted<'a> {
    /// In Vietnamese, without a number: `người`, `tài khoản`.
    pub vi: &'a str,
    /// In English, plural: `people`, `accounts`.
    pub en: &'a str,
}

/// Names the numbers do not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts<'a> {
    /// The place as it opens a Vietnamese sentence: `Quận Hà Đông`.
    pub place_vi: &'a str,
    /// The place as it opens an English sentence: `Hà Đông district`.
    pub place_en: &'a str,
    /// The indicator as a Vietnamese noun phrase: `kích hoạt định danh điện tử mức 2`.
    pub indicator_vi: &'a str,
    /// The indicator as an English noun phrase: `level-2 e-ID activation`.
    pub indicator_en: &'a str,
    /// What is counted; `None` for a series known only in percent, so that no count made from a
    /// percentage is ever shown as a figure.
    pub counted: Option<Counted<'a>>,
}

/// The sentence in both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentences {
    /// Vietnamese.
    pub vi: String,
    /// English.
    pub en: String,
}

/// Says a verdict in Vietnamese and English.
#[must_use]
pub fn sentence(facts: &Facts<'_>, verdict: &Verdict) -> Sentences {
    let writer = |language| Writer {
        language,
        facts,
        verdict,
        terms: &verdict.terms,
    };
    Sentences {
        vi: vietnamese::write(&writer(Language::Vietnamese)),
        en: english::write(&writer(Language::English)),
    }
}

/// Pieces both languages are made of.
struct Writer<'a> {
    language: Language,
    facts: &'a Facts<'a>,
    verdict: &'a Verdict,
    terms: &'a Terms,
}

/// The deadline, seen from today.
enum Due {
    None,
    In(f64),
    Today,
    Past(f64),
}

impl Writer<'_> {
    fn noun(&self) -> Option<&str> {
        self.facts.counted.map(|counted| match self.language {
            Language::Vietnamese => counted.vi,
            Language::English => counted.en,
        })
    }

    fn date(&self, moment: Option<f64>) -> String {
        self.language.date(moment.unwrap_or(f64::NAN))
    }

    fn percent(&self, share: Option<f64>) -> String {
        share.map_or_else(|| "–".to_owned(), |share| self.language.percent(share))
    }

    fn number(&self, value: Option<f64>) -> String {
        value.map_or_else(|| "–".to_owned(), |value| self.language.count(value))
    }

    fn at(&self) -> String {
        self.date(self.terms.figure_at)
    }

    fn deadline(&self) -> String {
        self.date(self.terms.deadline)
    }

    fn target(&self) -> String {
        self.percent(self.terms.target_share)
    }

    /// `199.968/269.950 người (74,1%)`, or as much of it as is known.
    fn figure(&self) -> String {
        let Some(noun) = self.noun() else {
            return self.percent(self.terms.share);
        };
        let count = self.number(self.terms.count);
        match (self.terms.denominator, self.terms.share) {
            (Some(of), Some(share)) => {
                let (of, share) = (self.language.count(of), self.language.percent(share));
                format!("{count}/{of} {noun} ({share})")
            }
            _ => format!("{count} {noun}"),
        }
    }

    /// The planned count as trajectories tell it, in people or as a share; before the plan begins what it begins with.
    fn planned(&self) -> String {
        let count = self.terms.planned.or(self.terms.plan);
        let share = count
            .zip(self.terms.denominator)
            .map(|(count, of)| count / of);
        match self.noun() {
            Some(noun) => format!("{} {noun}", self.number(count.map(f64::ceil))),
            None => self.percent(share),
        }
    }

    /// A shortfall: `8.420 người`, `4,2 điểm phần trăm`; at least one.
    fn shortfall(&self, count: Option<f64>, points: &str) -> String {
        let share = count
            .zip(self.terms.denominator)
            .map(|(count, of)| (count / of).max(0.001));
        match (self.noun(), share) {
            (Some(noun), _) => {
                format!(
                    "{} {noun}",
                    self.number(count.map(|count| count.ceil().max(1.0)))
                )
            }
            (None, Some(share)) => format!("{} {points}", self.language.points(share)),
            (None, None) => "–".to_owned(),
        }
    }

    /// 1 − e^(−7h): the share of those left who are done in a week at hazard h.
    fn weekly(&self, hazard: Option<f64>) -> String {
        self.percent(hazard.map(|hazard| -(-7.0 * hazard).exp_m1()))
    }

    /// The forecast day of meeting the target, if it is near enough to be told.
    fn eta(&self) -> Option<String> {
        let (from, eta) = self.terms.figure_at.zip(self.terms.eta)?;
        (eta - from <= TOLD_DAYS_MAX).then(|| self.language.date(eta))
    }

    /// The same, unless that day is already over.
    fn eta_ahead(&self) -> Option<String> {
        let ahead = self
            .terms
            .eta
            .zip(self.terms.today)
            .is_some_and(|(eta, today)| eta > today);
        self.eta().filter(|_| ahead)
    }

    fn due(&self) -> Due {
        match self.terms.due_in_days {
            None => Due::None,
            Some(days) if days > 0.0 => Due::In(days),
            Some(days) if days < 0.0 => Due::Past(-days),
            Some(_) => Due::Today,
        }
    }

    /// The date of the last report and the calendar days since.
    fn last_report(&self) -> (String, f64) {
        let last = self
            .terms
            .today
            .zip(self.terms.report_age_days)
            .map(|(now, age)| now - age);
        let days = last
            .zip(self.terms.today)
            .and_then(|(last, now)| days_between(last, now));
        (self.date(last), days.unwrap_or(0.0))
    }
}
