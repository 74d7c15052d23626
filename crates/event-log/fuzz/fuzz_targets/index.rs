//! An index of any bytes.

#![no_main]

use event_log::fuzzing;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::index(bytes));
