//! Feeds [`tenantry_fuzz::condition`].
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| tenantry_fuzz::condition(text));
