#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| haptik_bridge_parsers::Parser::Haptik.read(bytes));
