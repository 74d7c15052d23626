//! A log whose journal, index and attributes are any bytes, opened and used.

#![no_main]

use event_log::fuzzing;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::directory(bytes));
