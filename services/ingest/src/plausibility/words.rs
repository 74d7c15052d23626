//! What the rules found, put into words with an answer; and what a figure is besides.

use domain::Reason;
use domain::event::{QuotaAssigned, WorkItemDefined};
use domain::finding::{Check, FINDINGS_MAX, Finding, Severity};
use domain::text::number::format_count_en;
use domain::text::{Bound, Precision};
use lag::{Answer, Implausible, Known, PlausibilityRules};

use super::{Judge, Judged, Told, days};

/// What is told about one event, in the making.
pub(super) struct Telling<'a> {
    pub(super) rules: &'a PlausibilityRules,
    pub(super) confirmed: &'a [Check],
    /// Whether the event corrects a figure.
    pub(super) corrects: bool,
    pub(super) judged: Judged,
}

impl Telling<'_> {
    pub(super) fn tell(
        &mut self,
        (check, severity): (Check, Severity),
        field: &str,
        detail: String,
        position: u64,
    ) {
        // One of a check is enough, the gravest: whoever answers for it answers for all.
        let before = self
            .judged
            .findings
            .iter_mut()
            .find(|other| other.check == check);
        if let Some(before) = before {
            if severity == Severity::Blocking && before.severity != severity {
                before.severity = severity;
                before.detail = detail;
                before.position = (position > 0).then_some(position);
            }
            return;
        }
        if self.judged.findings.len() < FINDINGS_MAX {
            self.judged.findings.push(Finding {
                check,
                severity,
                field: field.to_owned(),
                detail,
                rule: self.rules.version.clone(),
                position: (position > 0).then_some(position),
            });
        }
    }

    /// Refuses, unless the reporter insists.
    pub(super) fn refuse(
        &mut self,
        (check, reason): (Check, Reason),
        detail: String,
        position: u64,
    ) {
        if self.corrects && check != Check::AboveRelated {
            // A correction names what it replaces, so it may lower a series or take a digit off.
            self.tell((check, Severity::Warning), "value", detail, position);
        } else if self.confirmed.contains(&check) {
            self.tell((check, Severity::Blocking), "value", detail, position);
        } else {
            let code = check.code();
            let detail = format!("{detail}; if it is right, confirm {code} and say why");
            self.judged.refusals.push(("value", reason, detail));
        }
    }
}

impl Judge<'_> {
    /// Puts what the rules found into words, with an answer.
    pub(super) fn say(
        &self,
        count: u64,
        told: &Told<'_>,
        found: &Implausible,
        telling: &mut Telling<'_>,
    ) {
        let against = found.against();
        let there = place_of(against);
        let (now, then) = (format_count_en(count), format_count_en(against.count));
        let warning = |check| (check, Severity::Warning);
        let falls = (Check::CumulativeFalls, Reason::CumulativeFalls);
        match *found {
            Implausible::Falls {
                hundredths, answer, ..
            } => {
                let detail = if against.at <= days(told.at) {
                    let share = share(hundredths);
                    format!("{now} is {share} % below the {then} {there}")
                } else {
                    format!("{now} is above the later {then} {there}")
                };
                if answer == Answer::Warn {
                    telling.tell(warning(falls.0), "value", detail, against.position);
                } else {
                    let detail = format!("{detail}; correct or retract that figure first");
                    telling.refuse(falls, detail, against.position);
                }
            }
            Implausible::Daily { .. } => {
                let detail = format!(
                    "{now} looks like one day's work, the total {there} is {then}; report the total"
                );
                let check = (Check::DailyAsCumulative, Reason::DailyAsCumulative);
                telling.refuse(check, detail, against.position);
            }
            Implausible::FactorOfTen { power, .. } => {
                let factor = format_count_en(10u64.pow(power.unsigned_abs()));
                let what = if power > 0 {
                    format!("is {factor} times")
                } else {
                    format!("is a {factor}th of")
                };
                let detail = format!("{now} {what} the {then} {there}; check the digits");
                let check = (Check::FactorOfTen, Reason::FactorOfTen);
                telling.refuse(check, detail, against.position);
            }
            Implausible::AboveRelated { answer, .. } => {
                let detail = format!("{now} is above the {then} it is counted among {there}");
                self.related_answer(answer, detail, against.position, telling);
            }
            Implausible::BelowRelated { .. } => {
                let detail = format!("{now} is below the {then} counted among it {there}");
                self.related_answer(Answer::Refuse, detail, against.position, telling);
            }
            Implausible::Jump { z, .. } => {
                let detail = format!(
                    "{now} after {then} {there} is out of line with the growth before (modified z {z:.1})"
                );
                telling.tell(warning(Check::Jump), "value", detail, against.position);
            }
            Implausible::Stuck { .. } => {
                let detail = format!("{now} again, as {there}, while most siblings grew");
                telling.tell(warning(Check::Stuck), "value", detail, against.position);
            }
        }
    }

    fn related_answer(
        &self,
        answer: Answer,
        detail: String,
        position: u64,
        telling: &mut Telling<'_>,
    ) {
        let (check, reason) = (Check::AboveRelated, Reason::AboveRelated);
        match answer {
            Answer::Refuse => telling.refuse((check, reason), detail, position),
            Answer::Warn => telling.tell((check, Severity::Warning), "value", detail, position),
        }
    }
}

/// Properties of a figure that nobody has to do anything about.
pub(super) fn notes(told: &Told<'_>, telling: &mut Telling<'_>) {
    let figure = told.figure;
    let note = |check| (check, Severity::Note);
    let above = match (figure.value, &figure.denominator) {
        (Some(value), Some(against)) => value.value > against.value,
        _ => figure
            .percent
            .is_some_and(|percent| percent.hundredths() > 10_000),
    };
    if above {
        let detail =
            "more than 100 % of the denominator; its basis is not the same people".to_owned();
        let field = if figure.value.is_some() {
            "value"
        } else {
            "percent"
        };
        telling.tell(note(Check::OverDenominator), field, detail, 0);
    }
    let vague = figure
        .value
        .is_some_and(|value| value.bound != Bound::Exact);
    if vague || figure.percent_bound != Bound::Exact {
        let field = if vague { "value" } else { "percent" };
        telling.tell(
            note(Check::VagueFigure),
            field,
            "a bound, not an exact number".to_owned(),
            0,
        );
    }
    if told.at.precision() == Precision::Month {
        let detail = "the day is not published".to_owned();
        telling.tell(note(Check::MonthOnly), "effective", detail, 0);
    }
    if figure
        .denominator
        .as_ref()
        .is_some_and(|against| against.derived)
    {
        let detail = "follows from a count and a printed percentage".to_owned();
        telling.tell(note(Check::DerivedDenominator), "denominator", detail, 0);
    }
}

pub(super) fn milestones(quota: &QuotaAssigned, telling: &mut Telling<'_>) {
    let above = |count: u64| count > quota.denominator.value;
    let Some(milestone) = quota
        .milestones
        .iter()
        .find(|milestone| above(milestone.count))
    else {
        return;
    };
    let (count, whole) = (
        format_count_en(milestone.count),
        format_count_en(quota.denominator.value),
    );
    let detail = format!(
        "the milestone of {} is {count}, the denominator {whole}",
        milestone.date
    );
    telling.tell(
        (Check::CountAboveDenominator, Severity::Warning),
        "milestones",
        detail,
        0,
    );
}

pub(super) fn output(item: &WorkItemDefined, telling: &mut Telling<'_>) {
    let countable = item.volume.is_some() && !item.unit.is_empty();
    if item.expected_result.is_empty() || !countable {
        let detail =
            "nothing says what can be counted at the end: give volume, unit and expected result"
                .to_owned();
        telling.tell(
            (Check::NoMeasurableOutput, Severity::Warning),
            "expected_result",
            detail,
            0,
        );
    }
}

/// Where a figure stands, in words.
fn place_of(known: Known) -> String {
    let date = lag::date(known.at).map_or_else(String::new, |date| date.to_string());
    if known.position > 0 {
        format!("of {date} (position {})", known.position)
    } else {
        format!("of {date} in the same request")
    }
}

/// Hundredths of a percent as percent, one decimal.
fn share(hundredths: u32) -> String {
    let tenths = hundredths.div_ceil(10);
    format!("{}.{}", tenths / 10, tenths % 10)
}
