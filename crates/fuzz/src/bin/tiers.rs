//! libFuzzer on [`fuzz::tiers`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::tiers(data));
