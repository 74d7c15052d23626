//! What holds for every question that has a certain field, found by the contract's own description, so that none is forgotten.

use anyhow::{Context as _, Result, bail, ensure};
use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MethodDescriptor};
use serde_json::{Value, json};
use tiendo_tests::FRESHNESS;
use tonic::Code;

use super::client::{Question, Told};
use super::questions::{Row, at};

/// A position that no sample reaches.
const AHEAD: &str = "999999999";
/// A page that nobody gives.
const TOO_LARGE: i32 = 1_000_000;

/// A question, and what must be told to it.
pub(crate) struct Case {
    /// The method, and what is wrong or special about the question.
    pub(crate) about: String,
    pub(crate) question: Question,
    pub(crate) must: Must,
}

/// What must be told.
pub(crate) enum Must {
    /// A refusal with this reason, and with this field unless it is empty.
    Refuse(Code, &'static str, String),
    /// The same as this, but for how fresh it is.
    Equal(Value),
    /// In the list at a path something else than this.
    Other(&'static str, Value),
    /// So many things in the list at a path.
    Count(&'static str, usize),
    /// What its row says of a day before everything.
    Begin(Row),
}

impl Case {
    /// # Errors
    /// What was told instead.
    pub(crate) fn check(&self, told: &Told) -> Result<()> {
        let (code, reason, field) = match &self.must {
            Must::Refuse(code, reason, field) => (code, reason, field),
            Must::Begin(row) => return row.check_before(told),
            _ => return self.check_answer(told.answer()?),
        };
        let refused = told.refused.as_ref().context("it was answered")?;
        ensure!(
            refused.code == *code && refused.reason == *reason,
            "{refused:?}"
        );
        let named = refused.fields.iter().any(|(path, _)| path == field);
        ensure!(
            named || field.is_empty(),
            "{field} is not named: {refused:?}"
        );
        Ok(())
    }

    fn check_answer(&self, answer: &Value) -> Result<()> {
        let lasting = lasting(answer);
        match &self.must {
            Must::Refuse(..) | Must::Begin(_) => bail!("it is no matter of one answer"),
            Must::Equal(expected) => ensure!(lasting == *expected, "{lasting}\nnot {expected}"),
            Must::Other(path, first) => {
                let there = at(&lasting, path);
                ensure!(there.is_array() && there != *first, "{there} again");
            }
            Must::Count(path, count) => {
                let there = at(answer, &format!("{path}/#"));
                ensure!(there == json!(count), "{there} at {path}, not {count}");
            }
        }
        Ok(())
    }
}

/// An answer without how fresh it is.
pub(crate) fn lasting(answer: &Value) -> Value {
    match answer {
        Value::Object(fields) => {
            let fields = fields.iter();
            let fields = fields.filter(|(name, _)| !FRESHNESS.contains(&name.as_str()));
            Value::Object(
                fields
                    .map(|(name, it)| (name.clone(), lasting(it)))
                    .collect(),
            )
        }
        Value::Array(items) => Value::Array(items.iter().map(lasting).collect()),
        other => other.clone(),
    }
}

/// The methods of `QueryService`.
pub(crate) fn methods() -> Result<Vec<MethodDescriptor>> {
    let pool = DescriptorPool::decode(wire::DESCRIPTORS)?;
    let service = pool.get_service_by_name("tiendo.v1.QueryService");
    Ok(service.context("no QueryService")?.methods().collect())
}

/// A row that was answered, with its method.
pub(crate) struct Asked<'a> {
    pub(crate) row: &'a Row,
    pub(crate) method: MethodDescriptor,
    pub(crate) answer: &'a Value,
    /// The first page of one thing; nothing if it has no pages.
    pub(crate) first: Value,
}

impl Asked<'_> {
    pub(crate) fn has(&self, field: &str) -> bool {
        self.method.input().get_field_by_name(field).is_some()
    }

    /// The row's question with other fields, which is asked with the others.
    fn but(&self, fields: Value) -> Question {
        Question {
            alone: false,
            ..self.row.but(fields)
        }
    }

    fn case(&self, about: &str, question: Question, must: Must) -> Case {
        Case {
            about: format!("{}, {about}", self.row.method),
            question,
            must,
        }
    }

    fn refusal(&self, about: &str, fields: Value, (reason, field): (&'static str, &str)) -> Case {
        let must = Must::Refuse(Code::InvalidArgument, reason, field.to_owned());
        self.case(about, self.but(fields), must)
    }

    /// The first page of one thing, if it has pages.
    pub(crate) fn first_page(row: &Row) -> Question {
        row.but(json!({"page_size": 1}))
    }

    /// What Python can ask and buf cannot: with a field that nobody knows, which is passed over, and for `*`.
    pub(crate) fn cases_of_python(&self) -> Vec<Case> {
        let full = || Must::Equal(lasting(self.answer));
        let unknown = Question {
            unknown: true,
            ..self.row.but(json!({}))
        };
        let mut cases = vec![self.case("a field that nobody knows", unknown, full())];
        if self.has("read_mask") {
            let all = self.but(json!({"read_mask": "*"}));
            cases.push(self.case("all parts", all, full()));
        }
        cases
    }

    /// # Errors
    /// A field of which nobody has said how it could be another.
    pub(crate) fn cases(&self) -> Result<Vec<Case>> {
        let mut cases = self.of_times();
        if self.has("page_size") {
            cases.extend(self.of_pages()?);
        }
        if self.has("read_mask") {
            cases.extend(self.of_masks());
        }
        Ok(cases)
    }

    /// Positions that are not there yet, days before everything, and what is no day.
    fn of_times(&self) -> Vec<Case> {
        let mut cases = Vec::new();
        for field in self.method.input().fields() {
            let name = field.name();
            if field.kind() == Kind::Uint64 && name.ends_with("position") {
                cases.push(self.ahead(json!({ name: AHEAD })));
            }
            let (as_of, known_at) = match type_of(&field).as_str() {
                "tiendo.v1.ReadAt" => (format!("{name}.as_of"), format!("{name}.known_at")),
                _ if name == "as_of" => (name.to_owned(), String::new()),
                _ => continue,
            };
            let before = self.row.but(within(&as_of, "1900-01-01"));
            let must = Must::Begin(self.row.clone());
            cases.push(self.case("before everything", before, must));
            let no_day = within(&as_of, "hôm nào đó");
            cases.push(self.refusal("no day", no_day, ("DATE_FORMAT", &as_of)));
            if !known_at.is_empty() {
                let no_instant = within(&known_at, "lúc nào đó");
                cases.push(self.refusal("no instant", no_instant, ("DATE_FORMAT", &known_at)));
                cases.push(self.ahead(within(&known_at, AHEAD)));
                cases.push(self.ahead(within(&format!("{name}.min_position"), AHEAD)));
            }
        }
        cases
    }

    fn ahead(&self, fields: Value) -> Case {
        let must = Must::Refuse(Code::Unavailable, "NOT_CAUGHT_UP", String::new());
        self.case("a position from the future", self.but(fields), must)
    }

    /// Sizes that are none, and tokens that are from another answer, or from none.
    fn of_pages(&self) -> Result<Vec<Case>> {
        let token = self.first["nextPageToken"].as_str();
        let token = token.context("there is one page only")?;
        let below_zero = json!({"page_size": -1});
        let mut cases = vec![self.refusal(
            "a size below zero",
            below_zero,
            ("COUNT_BELOW_ZERO", "page_size"),
        )];
        let (many, list, most) = self.row.many.as_ref().context("how many are on a page?")?;
        let mut question = self.but(many.clone());
        question.request["page_size"] = json!(TOO_LARGE);
        cases.push(self.case("too large a page", question, Must::Count(list, *most)));
        let next = self.but(json!({"page_size": 1, "page_token": token}));
        let first = at(&lasting(&self.first), list);
        cases.push(self.case("the second page", next, Must::Other(list, first)));
        // The third begins with a position that is far ahead.
        for none in [
            "zz".to_owned(),
            format!("{token}-zz"),
            "deadbeef-1".to_owned(),
        ] {
            let none = json!({ "page_token": none });
            cases.push(self.refusal("no token", none, ("CODE_FORMAT", "page_token")));
        }
        for field in self.method.input().fields() {
            for mut changed in self.changed(&field)? {
                changed["page_token"] = json!(token);
                let refusal = ("CODE_FORMAT", "page_token");
                cases.push(self.refusal("another question's token", changed, refusal));
            }
        }
        Ok(cases)
    }

    /// Another value of an argument that all pages must share.
    fn changed(&self, field: &FieldDescriptor) -> Result<Vec<Value>> {
        let name = field.name();
        let now = &self.row.request[name];
        let other = match field.kind() {
            _ if ["page_size", "page_token"].contains(&name) => return Ok(Vec::new()),
            Kind::String if now == "eid.collected" => json!("eid.activated"),
            Kind::String => json!("eid.collected"),
            Kind::Bool => json!(now != &json!(true)),
            Kind::Uint32 => json!(now.as_u64().unwrap_or(0) + 3),
            Kind::Enum(of) => {
                let values = of.values().map(|it| json!(it.name()));
                let others = values.map(|it| if field.is_list() { json!([it]) } else { it });
                json!(others.filter(|other| now != other).last())
            }
            Kind::Message(_) => match type_of(field).as_str() {
                "tiendo.v1.ReadAt" => {
                    let moments = [
                        (format!("{name}.as_of"), "2023-07-04"),
                        (format!("{name}.known_at"), "26000"),
                    ];
                    return Ok(moments.map(|(path, value)| within(&path, value)).into());
                }
                "google.protobuf.FieldMask" => json!("at"),
                other => bail!("how can {name}, a {other}, be another?"),
            },
            other => bail!("how can {name}, a {other:?}, be another?"),
        };
        Ok(vec![json!({ name: other })])
    }

    /// Each part of the answer by itself, the first thing at the end of all parts, and parts that there are not.
    fn of_masks(&self) -> Vec<Case> {
        let full = lasting(self.answer);
        let output = self.method.output();
        let always = |field: &FieldDescriptor| {
            ["next_page_token", "total_size"].contains(&field.name())
                || type_of(field) == "tiendo.v1.AnsweredAt"
        };
        let always: Vec<_> = output.fields().filter(always).collect();
        let always: Vec<_> = always.iter().map(|it| it.json_name().to_owned()).collect();
        let mut paths = Vec::new();
        for name in full.as_object().into_iter().flat_map(|it| it.keys()) {
            if !always.contains(name) {
                paths.extend([name.clone(), deepest(&full, name)]);
            }
        }
        let mut cases: Vec<Case> = paths
            .iter()
            .map(|path| {
                let mut part = only(&full, path);
                for name in always.iter().filter(|it| full.get(*it).is_some()) {
                    part[name] = full[name].clone();
                }
                let question = self.but(json!({ "read_mask": path }));
                self.case("a part", question, Must::Equal(part))
            })
            .collect();
        let empty = self.but(json!({"read_mask": ""}));
        cases.push(self.case("an empty mask", empty, Must::Equal(full.clone())));
        let unknown = json!({"read_mask": format!("at,{},noSuchPart", paths[0])});
        let refusal = ("UNKNOWN_FIELD_PATH", "read_mask.paths[2]");
        cases.push(self.refusal("no such part", unknown, refusal));
        cases
    }
}

/// The full name of a message's type; empty for anything else.
fn type_of(field: &FieldDescriptor) -> String {
    let kind = field.kind();
    let message = kind.as_message();
    message.map_or_else(String::new, |it| it.full_name().to_owned())
}

/// A value at a path of one or two fields.
fn within(path: &str, value: &str) -> Value {
    match path.split_once('.') {
        Some((field, below)) => json!({ field: { below: value } }),
        None => json!({ path: value }),
    }
}

/// A path from a field of an answer down to something that has no parts.
fn deepest(answer: &Value, name: &str) -> String {
    let mut path = name.to_owned();
    let mut value = &answer[name];
    loop {
        value = match value {
            Value::Array(items) => items.first().unwrap_or(&Value::Null),
            Value::Object(fields) => match fields.iter().next_back() {
                Some((name, below)) => {
                    path = format!("{path}.{name}");
                    below
                }
                None => return path,
            },
            _ => return path,
        };
    }
}

/// What is left of an answer if all is cleared that is not on a path.
fn only(answer: &Value, path: &str) -> Value {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    match answer {
        Value::Array(items) => items.iter().map(|it| only(it, path)).collect(),
        Value::Object(fields) => match fields.get(first) {
            Some(below) if rest.is_empty() => json!({ first: below }),
            Some(below) => json!({ first: only(below, rest) }),
            None => json!({}),
        },
        other => other.clone(),
    }
}
