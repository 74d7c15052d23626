//! A question for every method of `QueryService`, and what the sample answers; and some for `AlertingService`.
//!
//! A new method needs a row; what holds for all questions follows from its fields (`rules`).

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tonic::Code;

use super::client::{Question, Told};

/// A question and what is known of its answer.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) method: &'static str,
    /// By the names in the contract.
    pub(crate) request: Value,
    known: Known,
    /// What is told of a day before everything. Where nobody recorded since when a place is there, it was there then, without anything.
    before: Vec<Fact>,
    /// Of a list: what makes its question one with more than a page, where the list stands, and how many are on a page then.
    pub(crate) many: Option<(Value, &'static str, usize)>,
    pub(crate) until: Option<&'static str>,
    alone: bool,
    /// What it is about changes by it, so it is asked once.
    pub(crate) acts: bool,
}

#[derive(Debug, Clone)]
enum Known {
    Facts(Vec<Fact>),
    Refusal(Code, &'static str),
}

/// Of an answer, or of the list of the answers of a stream without end.
#[derive(Debug, Clone)]
enum Fact {
    /// What stands at a path.
    Is(&'static str, Value),
    /// Two paths at which the same stands.
    Same(&'static str, &'static str),
}

impl Row {
    fn of(method: &'static str, request: Value) -> Self {
        Self {
            method,
            request,
            known: Known::Facts(Vec::new()),
            before: Vec::new(),
            many: None,
            until: None,
            alone: false,
            acts: false,
        }
    }

    /// What stands at a path of the answer; see [`at`].
    fn is(mut self, path: &'static str, value: Value) -> Self {
        if let Known::Facts(facts) = &mut self.known {
            facts.push(Fact::Is(path, value));
        }
        self
    }

    /// What stands at both paths.
    fn same(mut self, path: &'static str, other: &'static str) -> Self {
        if let Known::Facts(facts) = &mut self.known {
            facts.push(Fact::Same(path, other));
        }
        self
    }

    fn refused(mut self, code: Code, reason: &'static str) -> Self {
        self.known = Known::Refusal(code, reason);
        self
    }

    /// What stands at a path of the answer for a day before everything.
    fn before(mut self, path: &'static str, value: Value) -> Self {
        self.before.push(Fact::Is(path, value));
        self
    }

    /// With these arguments too large a page has so many things in a list.
    fn many(mut self, request: Value, list: &'static str, most: usize) -> Self {
        self.many = Some((request, list, most));
        self
    }

    /// It is a stream without end, read up to the answer with this field.
    fn until(mut self, field: &'static str) -> Self {
        self.until = Some(field);
        self
    }

    /// Nothing else is asked meanwhile, since few of them are answered at a time.
    fn alone(mut self) -> Self {
        self.alone = true;
        self
    }

    /// It changes something: it is asked once, after those in front of it and before those behind it.
    fn acts(self) -> Self {
        Self {
            acts: true,
            ..self.alone()
        }
    }

    /// The question with other fields.
    pub(crate) fn but(&self, fields: Value) -> Question {
        let mut request = self.request.clone();
        merge(&mut request, fields);
        Question {
            method: self.method.to_owned(),
            request,
            until: self.until,
            unknown: false,
            alone: self.alone,
        }
    }

    /// # Errors
    /// Every fact that is none.
    pub(crate) fn check(&self, told: &Told) -> Result<()> {
        let facts = match &self.known {
            Known::Facts(facts) => facts,
            Known::Refusal(code, reason) => {
                let refused = told.refused.as_ref().context("it was answered")?;
                let (told, expected) = ((refused.code, refused.reason.as_str()), (*code, *reason));
                ensure!(told == expected, "{refused:?}");
                return Ok(());
            }
        };
        self.hold(facts, told)
    }

    /// As [`Row::check`], for a day before everything.
    pub(crate) fn check_before(&self, told: &Told) -> Result<()> {
        self.hold(&self.before, told)
    }

    fn hold(&self, facts: &[Fact], told: &Told) -> Result<()> {
        ensure!(!facts.is_empty(), "the table says nothing of it");
        let mut answer = told.answer()?.clone();
        if self.until.is_some() {
            answer = told.answers.iter().cloned().collect();
        }
        let answer = &answer;
        let wrong = facts.iter().filter_map(|fact| {
            let (path, there, expected) = match fact {
                Fact::Is(path, expected) => (path, at(answer, path), expected.clone()),
                Fact::Same(path, other) => (path, at(answer, path), at(answer, other)),
            };
            // Two paths that lead nowhere are no fact.
            let is_fact = matches!(fact, Fact::Is(..)) || !there.is_null();
            let wrong = there != expected || !is_fact;
            wrong.then(|| format!("{path} is {there}, not {expected}"))
        });
        let wrong: Vec<_> = wrong.collect();
        ensure!(wrong.is_empty(), "{}", wrong.join("; "));
        Ok(())
    }
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                merge(into.entry(name).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

/// What stands at a path: names; numbers of elements, `last`, or `name.name=value` for the first element of which that is true; `#` for how many there are.
pub(crate) fn at(value: &Value, path: &str) -> Value {
    let steps = path.split('/').filter(|step| !step.is_empty());
    steps.fold(value.clone(), |value, step| {
        let items = value.as_array();
        if step == "#" {
            return json!(items.map_or(0, Vec::len));
        }
        let found = match (step.split_once('='), step.parse::<usize>()) {
            (Some((name, expected)), _) => items.and_then(|items| {
                let name = name.replace('.', "/");
                items.iter().find(|item| at(item, &name) == expected)
            }),
            (_, Ok(number)) => value.get(number),
            _ if step == "last" => items.and_then(|items| items.last()),
            _ => value.get(step),
        };
        found.cloned().unwrap_or(Value::Null)
    })
}

/// Every method at least once. What is known is what was published, or follows from it.
pub(crate) fn rows() -> Vec<Row> {
    [
        localities(),
        figures(),
        numbers(),
        programme(),
        work(),
        others(),
        rebuild(),
    ]
    .concat()
}

/// What is asked of alerting on 31 July 2023, and what is asked wrongly: every refusal by its code and reason.
pub(crate) fn of_alerting() -> Vec<Row> {
    let case = "268@2023-04-10/eid.activated/central/silent";
    let wrong =
        |method, request, reason| Row::of(method, request).refused(Code::InvalidArgument, reason);
    let ahead =
        |method, request| Row::of(method, request).refused(Code::Unavailable, "NOT_CAUGHT_UP");
    let far = "999999999";
    vec![
        // Nobody has reported of Hà Đông for months.
        Row::of(
            "ListVerdicts",
            json!({"code": "268", "indicator": "eid.activated"}),
        )
        .is("judgedFor", json!("2023-07-31"))
        .is("verdicts/0/status", json!("VERDICT_STATUS_UNKNOWN"))
        .is("verdicts/0/basis", json!("SILENCE")),
        wrong("ListVerdicts", json!({"code": "2680"}), "CODE_FORMAT"),
        Row::of("ListVerdicts", json!({"code": "999"})).refused(Code::NotFound, "UNKNOWN_LOCALITY"),
        ahead("ListVerdicts", json!({"min_position": far})),
        Row::of(
            "ListCases",
            json!({"code": "268", "indicator": "eid.activated"}),
        )
        .is("totalSize", json!(1))
        .is("cases/0/caseId", json!(case))
        .is("cases/0/opened/concern", json!("CONCERN_SILENT"))
        .is("nextPageToken", Value::Null),
        // Nothing was on record then.
        Row::of("ListCases", json!({"as_of": "1900-01-01"})).is("cases/#", json!(0)),
        Row::of("ListCases", json!({"known_at": "1"})).is("cases/#", json!(0)),
        Row::of("ListCases", json!({"page_size": 1_000_000})).is("nextPageToken", Value::Null),
        Row::of("ListCases", json!({"page_size": 1})).is("cases/#", json!(1)),
        wrong("ListCases", json!({"page_size": -1}), "COUNT_BELOW_ZERO"),
        wrong("ListCases", json!({"page_token": "zz"}), "CODE_FORMAT"),
        wrong(
            "ListCases",
            json!({"page_token": "deadbeef-1-1"}),
            "CODE_FORMAT",
        ),
        wrong("ListCases", json!({"concern": 77}), "VALUE_UNSPECIFIED"),
        wrong("ListCases", json!({"as_of": "hôm nào đó"}), "DATE_FORMAT"),
        wrong(
            "ListCases",
            json!({"known_at": "lúc nào đó"}),
            "DATE_FORMAT",
        ),
        Row::of("ListCases", json!({"indicator": "khong.co"}))
            .refused(Code::NotFound, "UNKNOWN_INDICATOR"),
        ahead("ListCases", json!({"min_position": far})),
        Row::of("GetCase", json!({"case_id": case}))
            .is("case/opened/concern", json!("CONCERN_SILENT"))
            .is("story/0/alert/caseOpened/caseId", json!(case))
            .is("silencesLeftOut", Value::Null),
        wrong("GetCase", json!({"case_id": "268"}), "CODE_FORMAT"),
        Row::of("GetCase", json!({"case_id": case, "as_of": "1900-01-01"}))
            .refused(Code::NotFound, "UNKNOWN_CASE"),
        ahead("GetCase", json!({"case_id": case, "min_position": far})),
        // Nobody silenced anything.
        Row::of("ListSilences", json!({"include_ended": true}))
            .is("silences/#", json!(0))
            .is("nextPageToken", Value::Null),
        wrong("ListSilences", json!({"page_size": -1}), "COUNT_BELOW_ZERO"),
        wrong("ListSilences", json!({"page_token": "zz"}), "CODE_FORMAT"),
        wrong(
            "ListSilences",
            json!({"page_token": "1-0-1"}),
            "CODE_FORMAT",
        ),
        Row::of("ListDeliveries", json!({})).is("sinks/#", json!(0)),
        Row::of("ListDeliveries", json!({"sink": "mail"})).refused(Code::NotFound, "UNKNOWN_SINK"),
        wrong("DraftLetter", json!({"case_id": case}), "VALUE_UNSPECIFIED"),
        Row::of(
            "DraftLetter",
            json!({"case_id": case.replace("silent", "overdue"), "form": "LETTER_FORM_HTML"}),
        )
        .refused(Code::NotFound, "UNKNOWN_CASE"),
    ]
}

/// Khánh Hòa has 31 models, nine districts, and 634,327 activated accounts, of which 83.8 % is printed.
fn localities() -> Vec<Row> {
    vec![
        Row::of("GetLocality", json!({"code": "56"}))
            .is("locality/name/vi", json!("Tỉnh Khánh Hòa"))
            .is("locality/models/#", json!(31))
            .is(
                "locality/indicators/indicator.indicator=eid.activated-l2/figure/value/count",
                json!("634327"),
            )
            .is(
                "locality/indicators/indicator.indicator=eid.activated-l2/figure/printedPercent",
                json!("83.8"),
            )
            .before("locality/name/vi", json!("Tỉnh Khánh Hòa"))
            .before("locality/models/#", json!(0))
            .before("locality/indicators/#", json!(0)),
        Row::of("GetLocality", json!({"code": "99"})).refused(Code::NotFound, "UNKNOWN_LOCALITY"),
        // Nha Trang's districts and wards ended with the reform of 2025.
        Row::of(
            "GetLocality",
            json!({"code": "568", "at": {"as_of": "2025-07-01"}}),
        )
        .refused(Code::NotFound, "LOCALITY_NOT_VALID"),
        Row::of("ListLocalities", json!({"parent_code": "56"}))
            .is("totalSize", json!(9))
            .is("localities/8/name/vi", json!("Thị xã Ninh Hòa"))
            .before("totalSize", json!(9))
            .many(
                json!({"parent_code": "", "level": "LEVEL_COMMUNE"}),
                "localities",
                1_000,
            ),
        // Replayed from the log, it is what is served.
        Row::of("RebuildLocality", json!({"code": "56"}))
            .is("locality/name/vi", json!("Tỉnh Khánh Hòa"))
            .same("digest", "servedDigest")
            .same("events", "at/position")
            .before("locality/models/#", json!(0))
            .alone(),
        Row::of("RebuildLocality", json!({"code": "99"}))
            .refused(Code::NotFound, "UNKNOWN_LOCALITY")
            .alone(),
    ]
}

/// What was published for Khánh Hòa, Hà Đông and other districts of Hà Nội.
fn figures() -> Vec<Row> {
    let task = "cccd.task-completion";
    vec![
        // 81, 72 and 71 % in April 2021; 27 of Hà Nội's 30 districts published nothing.
        Row::of(
            "RankLocalities",
            json!({"parent_code": "01", "indicator": task}),
        )
        .is("localities/0/locality/name/vi", json!("Huyện Thanh Trì"))
        .is("localities/0/shareHundredths", json!(8_100))
        .is("localities/2/rank", json!(3))
        .is("localities/2/locality/name/vi", json!("Quận Hai Bà Trưng"))
        .is("withoutFigure", json!(27))
        .before("localities/#", json!(0))
        .before("withoutFigure", json!(30))
        .many(json!({}), "localities", 3),
        Row::of("RankLocalities", json!({"indicator": "khong.co"}))
            .refused(Code::NotFound, "UNKNOWN_INDICATOR"),
        // Six counts of models, and three indicators of people.
        Row::of("ListFigures", json!({"code": "56"}))
            .is("figures/#", json!(9))
            .is(
                "figures/indicator=models.planned-group-2/figure/value/count",
                json!("12"),
            )
            .is(
                "figures/indicator=eid.collected-and-installed/figure/value/count",
                json!("826025"),
            )
            .before("figures/#", json!(0))
            .many(json!({}), "figures", 9),
        // 109 %, "hơn 634.327", and two work items that nothing measures.
        Row::of("ListFindings", json!({"code": "56"}))
            .is("findings/#", json!(4))
            .is(
                "findings/indicator=eid.activated-l2/finding/finding/check",
                json!("CHECK_VAGUE_FIGURE"),
            )
            .is(
                "findings/indicator=eid.collected-and-installed/finding/finding/check",
                json!("CHECK_OVER_DENOMINATOR"),
            )
            .before("findings/#", json!(0))
            .many(json!({}), "findings", 4),
        // Nobody has reported of any district of Khánh Hòa.
        Row::of(
            "ListMissingReports",
            json!({"indicator": "eid.activated-l2", "parent_code": "56"}),
        )
        .is("expectedCount", json!(9))
        .is("neverCount", json!(9))
        .is("missing/#", json!(9))
        .is(
            "missing/0/responsible/organisations/0",
            json!("Công an tỉnh"),
        )
        .before("neverCount", json!(9))
        .before("missing/0/responsible", Value::Null)
        .many(
            json!({"parent_code": "", "level": "LEVEL_COMMUNE"}),
            "missing",
            1_000,
        ),
    ]
}

/// What is worked out of figures.
fn numbers() -> Vec<Row> {
    let l2 = "eid.activated-l2";
    vec![
        // Ten districts on 25 April 2021, 183,982 to 103,208: at least their sum, for twenty are missing.
        Row::of(
            "RollUpIndicator",
            json!({"code": "01", "indicator": "cccd.received"}),
        )
        .is("value/count", json!("1277748"))
        .is("value/bound", json!("BOUND_AT_LEAST"))
        .is("parts", json!(30))
        .is("reported", json!(10))
        .is("missing/#", json!(20))
        .before("value", Value::Null),
        // All of the accounts were reported since; before, there was no number, which is not zero.
        Row::of(
            "DiffLocality",
            json!({"code": "56", "indicator": l2, "from": {"as_of": "2023-06-02"}, "to": {}}),
        )
        .is("indicators/0/own/count/newWork", json!("634327"))
        .is(
            "indicators/0/own/count/broughtBy",
            json!("DIFF_TERM_NEW_WORK"),
        )
        .is("indicators/0/own/count/from", Value::Null)
        .is("indicators/0/own/count/to", json!("634327"))
        .before("indicators/0/own/count/from", Value::Null)
        .before("toLocality/name/vi", json!("Tỉnh Khánh Hòa")),
        // The place, the definition, what it is held against, and the figure.
        Row::of("ExplainFigure", json!({"code": "56", "indicator": l2}))
            .is("groundCount", json!(4))
            .is("grounds/0/kind", json!("GROUND_KIND_REGISTRATION"))
            .is("grounds/1/kind", json!("GROUND_KIND_DEFINITION"))
            .is("grounds/2/kind", json!("GROUND_KIND_QUOTA"))
            .is("grounds/3/kind", json!("GROUND_KIND_HOLDS"))
            .is("shares/0/shareHundredths", json!(8_380))
            .same("shares/0/numeratorPosition", "grounds/3/recorded/position")
            .same(
                "shares/0/denominatorPosition",
                "grounds/2/recorded/position",
            )
            .before("figure", Value::Null)
            .before("grounds/last/kind", json!("GROUND_KIND_LATER")),
        // Nobody published by when the 756,954 are to be reached, nor from when on.
        Row::of("GetTrajectory", json!({"code": "56", "indicator": l2}))
            .is("quotas/#", json!(1))
            .is("quotas/0/quota/required", json!("756954"))
            .is("quotas/0/planKind", json!("PLAN_KIND_NONE"))
            .is("quotas/0/noPlanReason", json!("NO_PLAN_REASON_NO_DEADLINE"))
            .is("quotas/0/unit", json!("TRAJECTORY_UNIT_COUNT"))
            .is("quotas/0/points/0/count", json!("634327"))
            .is("quotas/0/points/0/effective", json!("2023-07-31"))
            .is("quotas/0/standing", Value::Null)
            .is("figureCount", json!("1"))
            .same("quotas/0/points/0/position", "figures/0/recorded/position")
            .before("quotas/#", json!(0))
            .before("figures/#", json!(0))
            .before("locality/name/vi", json!("Tỉnh Khánh Hòa")),
        Row::of(
            "GetTrajectory",
            json!({"code": "56", "indicator": "khong.co"}),
        )
        .refused(Code::NotFound, "UNKNOWN_INDICATOR"),
        // Three indicators are asked for and have a figure; that of 21 June is no longer recent.
        Row::of(
            "GetDataQuality",
            json!({"code": "56", "with_children": true}),
        )
        .is("localities/#", json!(10))
        .is("localities/0/completeness/count", json!("3"))
        .is("localities/0/completeness/of", json!("3"))
        .is("localities/0/liveness/count", json!("2"))
        .is("localities/1/completeness/of", Value::Null)
        .is("measures/#", json!(4))
        .before("localities/0/completeness/of", Value::Null),
    ]
}

/// Plan 6559: 31 models in five groups, and who holds what.
fn programme() -> Vec<Row> {
    vec![
        Row::of("ListModels", json!({}))
            .is("models/#", json!(31))
            .is("models/0/groupNumber", json!(1))
            .is("models/last/groupNumber", json!(5))
            .is("totalSize", json!(31))
            .before("models/#", json!(0))
            .many(json!({}), "models", 31),
        Row::of("ListModels", json!({"group": "KH-2"})).is("models/#", json!(12)),
        Row::of("ListIndicators", json!({}))
            .is(
                "indicators/indicator=eid.activated-l2/unit/vi",
                json!("tài khoản"),
            )
            .is(
                "indicators/indicator=cccd.issued/denominator",
                json!("citizens-14-plus"),
            )
            .is("totalSize", json!(52))
            .before("indicators/#", json!(0))
            .many(json!({}), "indicators", 52),
        // Adopted by the test itself.
        Row::of("ListRules", json!({}))
            .is("rules/0/adopted/version", json!("kh-2"))
            .is("rules/0/inForce", json!(true))
            .is("rules/0/adopted/thresholds/funnelZ", json!("-3.09"))
            .is("rules/1/adopted/version", json!("kh-1"))
            .is("rules/1/inForce", Value::Null)
            .is("totalSize", json!(2))
            .before("rules/#", json!(0))
            .many(json!({}), "rules", 2),
        Row::of("ListRules", json!({"version": "kh-1"})).is("rules/#", json!(1)),
        // Nobody reported a status in any of the nine districts.
        Row::of("GetModelMatrix", json!({"parent_code": "56"}))
            .is("totalSize", json!(9))
            .is("models/#", json!(31))
            .is("rows/8/cells/#", json!(31))
            .is("rows/8/locality/name/vi", json!("Thị xã Ninh Hòa"))
            .is("rows/8/cells/0/applies", json!(true))
            .is("rows/8/cells/0/status", Value::Null)
            .before("models/#", json!(0))
            .before("totalSize", json!(9))
            .many(
                json!({"parent_code": "", "level": "LEVEL_COMMUNE"}),
                "rows",
                200,
            ),
        Row::of("GetModelMatrix", json!({"model": "KH-9.99"}))
            .refused(Code::NotFound, "UNKNOWN_MODEL"),
        // The plan, and a role in each of its models.
        Row::of(
            "GetOwnerPortfolio",
            json!({"organisation": "cong an tinh", "code": "56"}),
        )
        .is("organisation", json!("Công an tỉnh"))
        .is("counts/roles", json!(32))
        .is("roles/#", json!(32))
        .before("counts/roles", Value::Null)
        .before("roles/#", json!(0))
        .many(json!({}), "roles", 32),
        Row::of("GetOwnerPortfolio", json!({"organisation": "cong an xa"}))
            .refused(Code::NotFound, "UNKNOWN_ORGANISATION"),
        // The reform ended the province that adopted it.
        Row::of(
            "ListOrphans",
            json!({"code": "56", "at": {"as_of": "2025-08-01"}}),
        )
        .is("orphans/0/kind", json!("ORPHAN_KIND_PLAN"))
        .is("orphans/0/code", json!("6559"))
        .is("orphans/0/models/#", json!(31))
        .is("orphans/#", json!(3))
        .is("totalSize", json!(3))
        .before("orphans/#", json!(0))
        .many(json!({}), "orphans", 3),
    ]
}

/// The two work items of the sample, both of Khánh Hòa and neither with a last day.
fn work() -> Vec<Row> {
    let row = |request| Row::of("ListWorkItems", request);
    vec![
        row(json!({"code": "56"}))
            .is("totalSize", json!(2))
            .is("workItems/0/locality/name/vi", json!("Tỉnh Khánh Hòa"))
            .is("workItems/0/item/status", json!("WORK_ITEM_STATUS_OPEN"))
            .is("workItems/0/item/withoutResult", json!(true))
            .is("workItems/0/item/defined/workItem", json!("6559-existing"))
            .is("workItems/1/item/defined/workItem", json!("6559-undefined"))
            .is("workItems/1/item/due", Value::Null)
            .before("workItems/#", json!(0))
            .many(json!({}), "workItems", 2),
        row(json!({"statuses": ["WORK_ITEM_STATUS_OPEN", "WORK_ITEM_STATUS_BLOCKED"]}))
            .is("workItems/#", json!(2)),
        row(json!({"statuses": ["WORK_ITEM_STATUS_COMPLETED"]})).is("workItems/#", json!(0)),
        row(json!({"statuses": ["WORK_ITEM_STATUS_OPEN", "WORK_ITEM_STATUS_UNSPECIFIED"]}))
            .refused(Code::InvalidArgument, "VALUE_UNSPECIFIED"),
        // What has no last day is due on none.
        row(json!({"due_from": "2023-01-01"})).is("workItems/#", json!(0)),
        row(json!({"organisation": "cong an xa"})).refused(Code::NotFound, "UNKNOWN_ORGANISATION"),
        row(json!({"model": "KH-9.99"})).refused(Code::NotFound, "UNKNOWN_MODEL"),
        row(json!({"due_from": "2023-08-01", "due_to": "2023-07-31"}))
            .refused(Code::InvalidArgument, "DATE_ORDER"),
    ]
}

/// What streams, and what an operator asks of the service itself.
fn others() -> Vec<Row> {
    vec![
        // From the first event on: the province, its figure, its quota, and then how far it came.
        Row::of(
            "Watch",
            json!({"locality": {"code": "56"}, "after_position": "0"}),
        )
        .is("0/event/kind", json!("locality.registered"))
        .is(
            "event.detail=eid-activated-l2/event/locality/code",
            json!("56"),
        )
        .is(
            "event.event.progressReported.indicator=eid.activated-l2/event/event/progressReported/value/count",
            json!("634327"),
        )
        .same("last/position", "last/caughtUp/at/position")
        .before("last/caughtUp/at/asOf", json!("1900-01-01"))
        .until("caughtUp"),
        Row::of("Watch", json!({"organisation": "cong an xa"}))
            .until("caughtUp")
            .refused(Code::NotFound, "UNKNOWN_ORGANISATION"),
        Row::of("VerifyProjection", json!({}))
            .is("done", json!(true))
            .same("digest", "servedDigest")
            .same("position", "head")
            .is("differingTables/#", json!(0))
            .alone(),
    ]
}

/// A second state, from its beginning to its end.
fn rebuild() -> Vec<Row> {
    let phase = |phase: &str| json!(format!("PROJECTION_REBUILD_PHASE_{phase}"));
    vec![
        Row::of("GetProjectionRebuild", json!({}))
            .is("rebuild/phase", phase("NONE"))
            .acts(),
        Row::of("SwitchProjection", json!({}))
            .refused(Code::FailedPrecondition, "REBUILD_NOT_READY")
            .acts(),
        Row::of("UndoProjectionSwitch", json!({}))
            .refused(Code::FailedPrecondition, "PROJECTION_NOT_SWITCHED")
            .acts(),
        Row::of("RebuildProjection", json!({}))
            .is("rebuild/phase", phase("READY"))
            .is("rebuild/comparison/same", json!(true))
            .is("rebuild/comparison/series/#", json!(0))
            .same("rebuild/position", "rebuild/head")
            .acts(),
        Row::of("SwitchProjection", json!({}))
            .is("rebuild/phase", phase("SWITCHED"))
            .acts(),
        Row::of("UndoProjectionSwitch", json!({}))
            .is("rebuild/phase", phase("READY"))
            .acts(),
        Row::of("CancelProjectionRebuild", json!({"discard": true}))
            .is("rebuild/phase", phase("NONE"))
            .acts(),
    ]
}
