//! Any text parses to something, and what is valid survives the formatter.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vspec_syntax::{FileId, dump, format, parse};

fuzz_target!(|text: &str| {
    let (file, diagnostics) = parse(FileId(0), text);
    if !diagnostics.iter().any(|d| d.is_error()) {
        let formatted = format(FileId(0), text).expect("it parses");
        assert_eq!(dump(&parse(FileId(0), &formatted).0), dump(&file));
        assert_eq!(format(FileId(0), &formatted).as_deref(), Ok(formatted.as_str()));
    }
});
