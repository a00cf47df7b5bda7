//! libFuzzer on [`fuzz::licence`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::licence(data));
