//! A request of any bytes.

#![no_main]

use wire::fuzzing;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::request(bytes));
