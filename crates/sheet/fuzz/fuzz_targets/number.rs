//! A number of any text.

#![no_main]

use sheet::fuzzing;

libfuzzer_sys::fuzz_target!(|text: &str| fuzzing::number(text));
