//! A checkpoint, or a key, of any bytes.

#![no_main]

use event_log::fuzzing;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::checkpoint(bytes));
