//! A file of any bytes.

#![no_main]

use sheet::fuzzing;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::file(bytes));
