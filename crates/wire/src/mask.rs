//! Read masks: which parts of an answer a caller wants (AIP-157).
//!
//! A mask is held against the description of the answer before anything is looked up, and applied to the bytes of the made answer:
//! what it names is copied, the rest is left out, and what remains is read again. Without a mask nothing of this is done.
//!
//! Paths are relative to the answer. Below a repeated field they mean every element, written `localities.name` or, as in AIP-161, `localities.*.name`.
//! A message of which no part is left is still there, so that a mask never makes something look as if it were not on record.
//! The two times, the token of the next page and the number on all pages are always given.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::sync::LazyLock;

use domain::{Reason, Violation};
use prost::encoding::{
    DecodeContext, WireType, decode_key, decode_varint, encode_key, encode_varint, skip_field,
};
use prost::{DecodeError, Message};
use prost_reflect::{DescriptorPool, FieldDescriptor, MessageDescriptor};
use prost_types::FieldMask;
use tonic::Status;

use crate::status::invalid;
use crate::v1;

/// Most paths of a mask.
pub const PATHS_MAX: usize = 100;
/// What is repeated of a path that is none, in characters.
const SHOWN_MAX: usize = 100;
/// What a mask never takes away, beside the two times.
const ALWAYS: [&str; 2] = ["next_page_token", "total_size"];

/// An answer that can be asked for in part.
pub trait Masked: Message + Default {
    /// Its full name in the contract.
    const NAME: &'static str;
}

macro_rules! masked {
    ($($answer:ident)*) => {
        $(impl Masked for v1::$answer {
            const NAME: &'static str = concat!("tiendo.v1.", stringify!($answer));
        })*

        #[cfg(test)]
        const ANSWERS: &[&str] = &[$(<v1::$answer as Masked>::NAME),*];
    };
}

masked! {
    GetLocalityResponse
    ListLocalitiesResponse
    RankLocalitiesResponse
    ListFiguresResponse
    ListFindingsResponse
    GetDataQualityResponse
    ListOrphansResponse
    ListModelsResponse
    ListIndicatorsResponse
    GetModelMatrixResponse
    GetOwnerPortfolioResponse
    ListMissingReportsResponse
    GetTrajectoryResponse
    ListWorkItemsResponse
    ListRulesResponse
}

/// The parts of an answer that a caller wants. Order, repetition, `*` and overlaps of the paths make no difference to the hash.
#[derive(Debug, Clone)]
pub struct Mask<M> {
    wanted: Wanted,
    answer: PhantomData<fn(M) -> M>,
}

/// What is wanted of a field, or of the whole answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Wanted {
    Whole,
    /// Of a message these fields, by number.
    Fields(BTreeMap<u32, Wanted>),
}

impl<M> Hash for Mask<M> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.wanted.hash(state);
    }
}

impl<M: Masked> Mask<M> {
    /// Reads the field `read_mask` of a request; without one, an empty one or `*` everything is wanted.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`: UNKNOWN_FIELD_PATH for each path that leads to nothing, TOO_MANY_PATHS for more than [`PATHS_MAX`].
    pub fn read(asked: Option<&FieldMask>) -> Result<Self, Status> {
        let mut wanted = Wanted::Whole;
        if let Some(paths) = asked.map(|mask| &mask.paths).filter(|it| !it.is_empty()) {
            wanted = compile(M::NAME, paths).map_err(|violations| invalid(&violations))?;
        }
        let answer = PhantomData;
        Ok(Self { wanted, answer })
    }

    /// The answer with nothing but what is wanted of it.
    ///
    /// # Errors
    /// `INTERNAL` if what was just encoded cannot be read.
    pub fn apply(&self, answer: M) -> Result<M, Status> {
        let Wanted::Fields(fields) = &self.wanted else {
            return Ok(answer);
        };
        keep(fields, &answer.encode_to_vec())
            .and_then(|kept| M::decode(kept.as_slice()))
            .map_err(|error| Status::internal(error.to_string()))
    }
}

impl Wanted {
    /// Wants what these field numbers lead to as well.
    fn add(&mut self, numbers: &[u32]) {
        match (self, numbers) {
            (Self::Whole, _) => {}
            (wanted, []) => *wanted = Self::Whole,
            (Self::Fields(fields), [first, rest @ ..]) => {
                let nothing = || Self::Fields(BTreeMap::new());
                fields.entry(*first).or_insert_with(nothing).add(rest);
            }
        }
    }
}

pub(crate) static POOL: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(crate::DESCRIPTORS).unwrap_or_default());

fn compile(answer: &str, paths: &[String]) -> Result<Wanted, Vec<Violation>> {
    if paths.len() > PATHS_MAX {
        let detail = format!("{} paths, more than {PATHS_MAX}", paths.len());
        let violation = Violation::new("read_mask", Reason::TooManyPaths, detail);
        return Err(vec![violation]);
    }
    let answer = POOL.get_message_by_name(answer);
    let mut wanted = Wanted::Fields(BTreeMap::new());
    let mut violations = Vec::new();
    for (number, path) in paths.iter().enumerate() {
        match numbers(answer.clone(), path) {
            Ok(numbers) => wanted.add(&numbers),
            Err(detail) => violations.push(Violation::new(
                format!("read_mask.paths[{number}]"),
                Reason::UnknownFieldPath,
                detail,
            )),
        }
    }
    for field in answer.iter().flat_map(MessageDescriptor::fields) {
        if is_always_given(&field) {
            wanted.add(&[field.number()]);
        }
    }
    if violations.is_empty() {
        Ok(wanted)
    } else {
        Err(violations)
    }
}

/// The field numbers that a path leads along; none for `*`, which is all of the answer.
fn numbers(answer: Option<MessageDescriptor>, path: &str) -> Result<Vec<u32>, String> {
    let shown: String = path.chars().take(SHOWN_MAX).collect();
    let mut numbers = Vec::new();
    let mut within = answer;
    let mut may_mean_each = path == "*";
    for step in path.split('.') {
        if step == "*" && may_mean_each {
            may_mean_each = false;
            continue;
        }
        let message =
            within.ok_or_else(|| format!("'{shown}' leads into a field without parts"))?;
        let Some(field) = message.get_field_by_name(step) else {
            let fields: Vec<_> = message.fields().map(|it| it.name().to_owned()).collect();
            let (name, fields) = (message.name(), fields.join(", "));
            return Err(format!("'{shown}' leads to nothing; {name} has {fields}"));
        };
        numbers.push(field.number());
        may_mean_each = field.is_list();
        within = field.kind().as_message().cloned();
    }
    Ok(numbers)
}

fn is_always_given(field: &FieldDescriptor) -> bool {
    let kind = field.kind();
    let is_times = |message: &MessageDescriptor| message.full_name() == "tiendo.v1.AnsweredAt";
    ALWAYS.contains(&field.name()) || kind.as_message().is_some_and(is_times)
}

/// What is wanted of an encoded message.
fn keep(fields: &BTreeMap<u32, Wanted>, message: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let mut kept = Vec::new();
    let mut rest = message;
    while !rest.is_empty() {
        let field = rest;
        let (number, wire_type) = decode_key(&mut rest)?;
        let value = rest;
        skip_field(wire_type, number, &mut rest, DecodeContext::default())?;
        match fields.get(&number) {
            None => {}
            Some(Wanted::Whole) => kept.extend_from_slice(&field[..field.len() - rest.len()]),
            Some(Wanted::Fields(below)) => {
                // Only what is a message has fields below it: its length, then itself.
                let mut part = &value[..value.len() - rest.len()];
                decode_varint(&mut part)?;
                let part = keep(below, part)?;
                encode_key(number, WireType::LengthDelimited, &mut kept);
                encode_varint(part.len() as u64, &mut kept);
                kept.extend(part);
            }
        }
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use prost_reflect::{DynamicMessage, Kind, ReflectMessage as _, Value};

    use super::*;
    use crate::status::refusal;

    fn of(paths: &[&str]) -> FieldMask {
        let paths = paths.iter().map(ToString::to_string).collect();
        FieldMask { paths }
    }

    fn masked<M: Masked + Clone>(answer: &M, paths: &[&str]) -> M {
        let mask = Mask::read(Some(&of(paths))).unwrap();
        mask.apply(answer.clone()).unwrap()
    }

    fn head(code: &str, vi: &str) -> v1::LocalityHead {
        v1::LocalityHead {
            r#ref: Some(v1::LocalityRef {
                code: code.to_owned(),
                since: "2023-04-10".to_owned(),
            }),
            name: Some(v1::Name {
                vi: vi.to_owned(),
                en: String::new(),
            }),
            level: v1::Level::District as i32,
            ..Default::default()
        }
    }

    fn list() -> v1::ListLocalitiesResponse {
        v1::ListLocalitiesResponse {
            localities: vec![head("568", "Nha Trang"), head("569", "Vạn Ninh")],
            next_page_token: "7-2-1".to_owned(),
            total_size: 9,
            at: Some(v1::AnsweredAt {
                position: 7,
                ..Default::default()
            }),
        }
    }

    #[test]
    fn of_a_list_only_the_names_are_given_with_the_page_and_the_two_times() {
        let name = |head: v1::LocalityHead| v1::LocalityHead {
            name: head.name,
            ..Default::default()
        };
        let mut names = list();
        names.localities = names.localities.into_iter().map(name).collect();
        for path in ["localities.name", "localities.*.name"] {
            assert_eq!(masked(&list(), &[path]), names, "{path}");
        }
        // The widest of paths that overlap is given.
        for paths in [
            &["localities.name", "localities"][..],
            &["localities.*"],
            &["*"],
            &[],
        ] {
            assert_eq!(masked(&list(), paths), list(), "{paths:?}");
        }
        let nothing = v1::ListLocalitiesResponse {
            localities: Vec::new(),
            ..list()
        };
        assert_eq!(masked(&list(), &["at.position"]), nothing);
    }

    #[test]
    fn a_message_without_any_wanted_part_is_there_all_the_same() {
        let answer = masked(&list(), &["localities.ended"]);
        assert_eq!(answer.localities, vec![v1::LocalityHead::default(); 2]);
    }

    #[test]
    fn every_path_that_leads_to_nothing_is_named_with_what_there_is() {
        let asked = of(&[
            "localities.nme",
            "localities.name",
            "digest",
            "localities.name.vi.first",
            "*.localities",
            "localities.*.*",
            "next_page_token.*",
            "",
        ]);
        let refused = Mask::<v1::ListLocalitiesResponse>::read(Some(&asked)).unwrap_err();
        assert_eq!(refused.code(), tonic::Code::InvalidArgument);
        let refusal = refusal(&refused);
        assert_eq!(refusal.reason, "UNKNOWN_FIELD_PATH");
        let fields: Vec<_> = refusal.violations.iter().map(|it| &*it.field).collect();
        let expected = [0, 2, 3, 4, 5, 6, 7].map(|at| format!("read_mask.paths[{at}]"));
        assert_eq!(fields, expected);
        let first = &refusal.violations[0].detail;
        assert!(
            first.contains("'localities.nme'")
                && first.contains("LocalityHead has ref, level, name"),
            "{first}"
        );
    }

    #[test]
    fn a_mask_has_at_most_a_hundred_paths() {
        let read = |count| {
            let asked = of(&vec!["digest"; count]);
            Mask::<v1::GetLocalityResponse>::read(Some(&asked))
        };
        assert!(read(PATHS_MAX).is_ok());
        let refused = refusal(&read(PATHS_MAX + 1).unwrap_err());
        assert_eq!(refused.reason, "TOO_MANY_PATHS");
        assert_eq!(refused.violations[0].field, "read_mask");
    }

    /// Fills every field of a message with something, each message once or, in a list, twice.
    fn fill(message: &mut DynamicMessage) {
        for field in message.descriptor().fields() {
            if field
                .containing_oneof()
                .is_some_and(|it| it.fields().next() != Some(field.clone()))
            {
                continue;
            }
            let one = match field.kind() {
                Kind::Message(below) => {
                    let mut part = DynamicMessage::new(below);
                    fill(&mut part);
                    Value::Message(part)
                }
                Kind::Enum(_) => Value::EnumNumber(1),
                Kind::String => Value::String(field.name().to_owned()),
                Kind::Bytes => Value::Bytes(vec![1, 2].into()),
                Kind::Bool => Value::Bool(true),
                Kind::Uint32 => Value::U32(300),
                Kind::Uint64 => Value::U64(70_000),
                Kind::Int32 => Value::I32(-3),
                Kind::Int64 => Value::I64(-70_000),
                Kind::Double => Value::F64(0.5),
                other => panic!("{other:?} is filled by nobody"),
            };
            let value = if field.is_list() {
                Value::List(vec![one.clone(), one])
            } else {
                one
            };
            message.set_field(&field, value);
        }
    }

    /// Every path of a message, to this depth.
    fn paths(message: &MessageDescriptor, depth: usize) -> Vec<String> {
        let mut paths = Vec::new();
        for field in message.fields() {
            paths.push(field.name().to_owned());
            if let (Some(below), true) = (field.kind().as_message(), depth > 1) {
                let below = self::paths(below, depth - 1);
                paths.extend(below.iter().map(|path| format!("{}.{path}", field.name())));
            }
        }
        paths
    }

    /// Clears what is not on the path: obviously right, and slow.
    fn clear(message: &mut DynamicMessage, path: &str, is_answer: bool) {
        let (first, rest) = path.split_once('.').unwrap_or((path, ""));
        let fields: Vec<_> = message.fields().map(|(field, _)| field).collect();
        for field in fields {
            if is_answer && is_always_given(&field) {
                continue;
            }
            if field.name() != first {
                message.clear_field(&field);
            } else if !rest.is_empty() {
                match message.get_field_mut(&field) {
                    Value::Message(below) => clear(below, rest, false),
                    Value::List(elements) => {
                        for element in elements {
                            clear(element.as_message_mut().unwrap(), rest, false);
                        }
                    }
                    other => panic!("{path} leads into {other:?}"),
                }
            }
        }
    }

    #[test]
    fn every_path_of_every_answer_gives_what_clearing_the_rest_gives() {
        for answer in ANSWERS {
            let descriptor = POOL.get_message_by_name(answer).unwrap();
            let mut full = DynamicMessage::new(descriptor.clone());
            fill(&mut full);
            let encoded = full.encode_to_vec();
            let paths = paths(&descriptor, 4);
            assert!(paths.len() > 10, "{answer}: {paths:?}");
            for path in paths {
                let mut expected = full.clone();
                clear(&mut expected, &path, true);
                let Wanted::Fields(fields) = compile(answer, std::slice::from_ref(&path)).unwrap()
                else {
                    panic!("{answer}: {path} is not everything");
                };
                let kept = keep(&fields, &encoded).unwrap();
                let given = DynamicMessage::decode(descriptor.clone(), kept.as_slice()).unwrap();
                assert_eq!(given, expected, "{answer}: {path}");
            }
        }
    }

    #[test]
    fn every_question_with_a_mask_has_an_answer_that_can_be_masked() {
        let methods = POOL
            .services()
            .flat_map(|it| it.methods().collect::<Vec<_>>());
        let with_mask = methods.filter(|it| it.input().get_field_by_name("read_mask").is_some());
        let answers: Vec<_> = with_mask
            .map(|it| it.output().full_name().to_owned())
            .collect();
        let [mut answers, mut known] = [answers, ANSWERS.iter().map(ToString::to_string).collect()];
        answers.sort();
        known.sort();
        assert_eq!(answers, known);
    }
}
