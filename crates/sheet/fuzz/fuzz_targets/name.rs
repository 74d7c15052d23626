//! A name of any text.

#![no_main]

use sheet::fuzzing;

libfuzzer_sys::fuzz_target!(|text: &str| fuzzing::name(text));
