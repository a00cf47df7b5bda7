//! libFuzzer on [`fuzz::framing`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::framing(data));
