//! A module that nobody names is a test that nobody runs.

use std::collections::BTreeSet;

#[test]
fn every_file_is_a_module_of_main() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it");
    let files: BTreeSet<String> = std::fs::read_dir(folder)
        .expect("the folder of this file")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned())
        .filter(|name| name != "main")
        .collect();
    let named: BTreeSet<String> = include_str!("main.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'))
        .map(str::to_owned)
        .collect();
    assert_eq!(files, named, "files of tests/it on the left, modules of main.rs on the right");
}
