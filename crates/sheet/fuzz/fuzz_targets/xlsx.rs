//! A workbook of any bytes, or with a part of any bytes.

#![no_main]

use sheet::fuzzing;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzzing::workbook(bytes);
    fuzzing::sheet(bytes);
});
