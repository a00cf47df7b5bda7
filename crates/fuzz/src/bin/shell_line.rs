//! libFuzzer on [`fuzz::shell_line`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::shell_line(data));
