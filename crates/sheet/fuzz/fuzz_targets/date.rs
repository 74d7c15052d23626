//! A date of any text.

#![no_main]

use sheet::fuzzing;

libfuzzer_sys::fuzz_target!(|text: &str| fuzzing::date(text));
