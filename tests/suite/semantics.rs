//! The manual and the tests say the same, in the same words.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::support::mount::files_under;

/// Each paragraph under SEMANTICS in the manual is the first paragraph of the doc comment of a test
/// that proves it. White space and backticks do not count.
#[test]
fn each_paragraph_is_the_doc_comment_of_a_test() {
    let manual = text_of("man/pop3fs.1");
    let proven = proven();
    let paragraphs = paragraphs(&manual);
    assert!(!paragraphs.is_empty(), "the manual has no SEMANTICS");
    let unproven: Vec<&String> = paragraphs
        .iter()
        .filter(|paragraph| !proven.contains(*paragraph))
        .collect();
    assert!(unproven.is_empty(), "{unproven:#?}");
}

/// The rule above would notice a word that is changed, and a doc comment of something else than a
/// test.
#[test]
fn only_a_test_proves_and_only_its_own_words() {
    let manual =
        ".Sh SEMANTICS\n.Bl -enum\n.It\nIt holds\nin all cases.\n.El\n.Sh OPTIONS\n.It\nx\n";
    assert_eq!(paragraphs(manual), ["It holds in all cases."]);
    let sources = "\
/// `It` holds
/// in all cases.
///
/// More about it.
#[test]
fn first() {}

/// Not a test.
fn second() {}

/// It has attributes.
#[test]
#[should_panic]
fn third() {}
";
    assert_eq!(
        doc_comments(sources),
        ["It holds in all cases.", "It has attributes."]
    );
}

/// The paragraphs under SEMANTICS; they have no markup.
fn paragraphs(manual: &str) -> Vec<String> {
    let section = manual
        .split("\n.Sh ")
        .map(|section| section.trim_start_matches(".Sh "))
        .find(|section| section.starts_with("SEMANTICS\n"))
        .unwrap_or_default();
    section
        .split("\n.It\n")
        .skip(1)
        .map(|item| words(item.lines().filter(|line| !line.starts_with('.'))))
        .collect()
}

/// What the tests say they prove.
fn proven() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    ["src", "tests/suite", "tests/model"]
        .iter()
        .flat_map(|part| files_under(&root.join(part)))
        .filter(|file| file.extension().is_some_and(|ending| ending == "rs"))
        .flat_map(|file| doc_comments(&fs::read_to_string(file).expect("a file to read")))
        .collect()
}

/// The first paragraph of each test's doc comment.
fn doc_comments(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut comment: Vec<&str> = Vec::new();
    for line in source.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("///") {
            comment.push(text.trim());
            continue;
        }
        if line == "#[test]" && !comment.is_empty() {
            let first = comment.iter().copied();
            found.push(words(first.take_while(|text| !text.is_empty())));
        }
        comment.clear();
    }
    found
}

fn words<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let text = lines.collect::<Vec<_>>().join(" ").replace('`', "");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn text_of(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    fs::read_to_string(path).expect("a file to read")
}
