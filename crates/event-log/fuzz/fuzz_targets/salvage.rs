//! A data file of the store of any bytes, looked through for what is healthy.

#![no_main]

use event_log::fuzzing;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzing::salvage(bytes));
