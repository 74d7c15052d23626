//! A half of the journal of any bytes.

#![no_main]

use event_log::fuzzing;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzzing::journal(bytes);
    fuzzing::journal_resealed(bytes);
});
