//! English and the length of lines: slips that a search can find in documents, help texts and messages.

use std::fs;
use std::path::Path;

use stoop_tests::{files, workspace};

/// Documents whose English is not checked yet.
const DOCUMENTS_LEFT_OUT: &[&str] = &[];
/// Sources whose doc comments are help texts.
const HELP: &[&str] =
    &["crates/cli/src/args.rs", "crates/cli/src/tape/args.rs", "crates/cli/src/universe/mod.rs"];
/// Files that users get to edit, whose comments are checked.
const TEMPLATES: &[&str] = &["crates/cli/src/stoop.toml", "fixtures/rules/starter.toml"];
/// Files, or folders, whose string literals are checked: log lines, errors and reports.
const MESSAGES: &[&str] =
    &["crates/cli/", "crates/live/", "crates/mock/", "crates/rest/", "crates/stoop/", "examples/"];
/// Files, or folders, whose lines may still be too long.
const WIDE_LINES_LEFT_OUT: &[&str] = &[];
const LONGEST_LINE: usize = 120;

/// A turn of phrase that reads as translated.
struct Slip {
    phrase: &'static str,
    /// What a reader expects there.
    instead: &'static str,
    /// Phrases around it in which it is English.
    fine: &'static [&'static str],
}

const fn slip(phrase: &'static str, instead: &'static str, fine: &'static [&'static str]) -> Slip {
    Slip { phrase, instead, fine }
}

const SLIPS: &[Slip] = &[
    slip("is no", "is not a", &["there is no", "is no longer", "is no more than"]),
    slip("are no", "are not", &["there are no", "are no longer", "are no more than"]),
    slip("was no", "was not a", &["there was no", "was no longer"]),
    slip("were no", "were not", &["there were no", "were no longer"]),
    slip("that many", "the number itself, or \"this many\"", &[]),
    slip("so many", "the number itself, or \"this many\"", &[]),
    slip("but for", "except for", &[]),
    slip("behind", "after", &["behind a proxy", "behind the scenes", "falls behind"]),
    slip("by now", "nothing: it is filler", &[]),
    slip("meanwhile", "nothing, or \"at the same time\"", &[]),
    slip("likewise", "\"too\", or the sentence again", &[]),
    slip("nobody", "\"you\" or \"no one\", or the passive", &[]),
    slip("somebody", "\"you\" or \"someone else\"", &[]),
    slip("whoever", "\"anyone who\", or \"you\"", &[]),
    slip("he", "\"it\" for a program or vendor, \"they\" for a person", &[]),
    slip("his", "\"its\" for a program or vendor, \"their\" for a person", &[]),
    slip("told", "reported, logged, emitted", &[]),
    slip("said", "reported, logged, emitted", &[]),
    slip("taken", "read, accepted, used, removed", &["are taken by", "is taken by"]),
    slip("anew", "again", &[]),
    slip("thrice", "three times", &[]),
    slip("sought", "searched for", &[]),
    slip("if need be", "if necessary", &[]),
    slip("of one's own", "of your own", &[]),
];
const HEADLESS: [&str; 2] = ["What ", "Who "];

/// Prose with the line of each part: a part is a sentence or a label that nothing but its block ends.
#[derive(Default)]
struct Prose {
    /// Blocks of words; where a line begins in one, and its number.
    blocks: Vec<(String, Vec<(usize, usize)>)>,
}

impl Prose {
    /// Adds a line to the last block, or begins one.
    fn push(&mut self, number: usize, line: &str, begins: bool) {
        if begins || self.blocks.is_empty() {
            self.blocks.push(<(String, Vec<(usize, usize)>)>::default());
        }
        let Some((text, starts)) = self.blocks.last_mut() else { return };
        starts.push((text.len(), number));
        text.push_str(line.trim());
        text.push(' ');
    }

    /// What is wrong with it, each with its line.
    fn problems(&self) -> Vec<(usize, String)> {
        let mut problems = Vec::new();
        for (text, starts) in &self.blocks {
            let text = without_code(text);
            let line_of = |at: usize| {
                starts.iter().rev().find(|(start, _)| *start <= at).map_or(0, |(_, number)| *number)
            };
            for slip in SLIPS {
                for at in found(&text, slip.phrase) {
                    if !slip.fine.iter().any(|fine| is_inside(&text, at, slip.phrase, fine)) {
                        problems.push((line_of(at), format!("{:?}: write {}", slip.phrase, slip.instead)));
                    }
                }
            }
            for at in headless(&text) {
                let start: String = text[at..].chars().take(40).collect();
                problems.push((line_of(at), format!("{start:?}: give the sentence a subject")));
            }
        }
        problems.sort();
        problems
    }
}

/// The text with code, targets of links and arguments of messages blanked, byte for byte, so that places stay.
fn without_code(text: &str) -> String {
    let mut blank = String::with_capacity(text.len());
    let (mut is_code, mut is_target, mut is_argument) = (false, false, false);
    let mut last = ' ';
    for letter in text.chars() {
        is_code ^= letter == '`';
        is_target = is_target && letter != ')' || letter == '(' && last == ']';
        is_argument = is_argument && last != '}' || letter == '{';
        let keep = !(is_code || is_target || is_argument || letter == '`');
        // Something stands there: a sentence does not end, and phrases do not meet across it.
        if keep {
            blank.push(letter);
        } else {
            (0..letter.len_utf8()).for_each(|_| blank.push('_'));
        }
        last = letter;
    }
    blank
}

/// Where a phrase stands as whole words, in any case.
fn found(text: &str, phrase: &str) -> Vec<usize> {
    let lower = text.to_ascii_lowercase();
    let is_edge =
        |letter: Option<char>| !letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
    let places = lower.match_indices(phrase).filter(|(at, _)| {
        is_edge(lower[..*at].chars().next_back()) && is_edge(lower[at + phrase.len()..].chars().next())
    });
    places.map(|(at, _)| at).collect()
}

/// The phrase at this place is part of a longer one that is fine.
fn is_inside(text: &str, at: usize, phrase: &str, fine: &str) -> bool {
    found(text, fine).iter().any(|from| *from <= at && at + phrase.len() <= from + fine.len())
}

/// Where sentences begin whose subject is a clause with "What" or "Who". Questions and labels are none.
fn headless(text: &str) -> Vec<usize> {
    let mut places = Vec::new();
    let mut start = 0;
    let ends = text.match_indices(". ").chain(text.match_indices("? ")).map(|(at, _)| at);
    let mut ends: Vec<usize> = ends.collect();
    ends.sort_unstable();
    for end in ends {
        let sentence = &text[start..end];
        let begins = sentence.trim_start_matches([' ', '*', '"', '(']);
        let is_question = text[end..].starts_with('?');
        if !is_question && HEADLESS.iter().any(|head| begins.starts_with(head)) {
            places.push(start + (sentence.len() - begins.len()));
        }
        start = end + 1;
    }
    places
}

/// The prose of a page: no code, and each item, cell and heading by itself.
fn page(text: &str) -> Prose {
    let mut prose = Prose::default();
    let (mut is_fenced, mut was_blank, mut is_code) = (false, true, false);
    for (number, line) in (1..).zip(text.lines()) {
        let trimmed = line.trim_start();
        if trimmed.starts_with("```") {
            is_fenced = !is_fenced;
            was_blank = true;
            continue;
        }
        is_code = line.starts_with("    ") && (was_blank || is_code);
        if is_fenced || is_code {
            continue;
        }
        if trimmed.starts_with('|') {
            trimmed.split('|').for_each(|cell| prose.push(number, cell, true));
        } else if !trimmed.is_empty() {
            let numbered = trimmed.trim_start_matches(|letter: char| letter.is_ascii_digit());
            let is_item =
                trimmed.starts_with("- ") || numbered.len() < trimmed.len() && numbered.starts_with(". ");
            let words = trimmed.strip_prefix("- ").unwrap_or(trimmed);
            prose.push(number, words, was_blank || is_item || line.starts_with('#'));
        }
        was_blank = trimmed.is_empty() || trimmed.starts_with('|') || line.starts_with('#');
    }
    prose
}

/// The help texts of a source: what clap prints of its doc comments.
fn help(text: &str) -> Prose {
    let mut prose = Prose::default();
    let mut was_help = false;
    for (number, line) in (1..).zip(text.lines()) {
        let comment = line.trim_start().strip_prefix("///");
        if let Some(words) = comment.map(str::trim).filter(|words| !words.is_empty()) {
            prose.push(number, words, !was_help);
        }
        was_help = comment.is_some_and(|words| !words.trim().is_empty());
    }
    prose
}

/// The comments of a file in TOML: a block of lines, or the end of one.
fn comments(text: &str) -> Prose {
    let mut prose = Prose::default();
    let mut was_comment = false;
    for (number, line) in (1..).zip(text.lines()) {
        let whole = line.trim_start().strip_prefix('#').map(str::trim);
        let words = whole.or_else(|| line.rsplit_once("  # ").map(|(_, end)| end)).unwrap_or_default();
        let words = words.rsplit("  # ").next().unwrap_or_default();
        if !words.is_empty() {
            prose.push(number, words, !was_comment || words.starts_with("- "));
        }
        was_comment = whole.is_some_and(|words| !words.is_empty());
    }
    prose
}

/// The string literals of a source that hold several words, before its tests.
fn messages(text: &str) -> Prose {
    let mut prose = Prose::default();
    let product = text.split("#[cfg(test)]").next().unwrap_or_default();
    let mut number = 1;
    let mut rest = product;
    while let Some(at) = rest.find(['"', '/', '\'']) {
        number += rest[..at].matches('\n').count();
        let before = &rest[..at];
        rest = &rest[at..];
        let skip = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("'\"'") {
            3
        } else if let Some(literal) = rest.strip_prefix('"') {
            let hashes = before.len() - before.trim_end_matches('#').len();
            let is_raw = before.trim_end_matches('#').ends_with('r');
            let end = literal_end(literal, is_raw.then_some(hashes));
            let literal = &literal[..end];
            if literal.contains(' ') {
                for (more, line) in literal.lines().enumerate() {
                    prose.push(number + more, line.trim_end_matches('\\'), more == 0);
                }
            }
            end + 2
        } else {
            1
        };
        number += rest[..skip.min(rest.len())].matches('\n').count();
        rest = &rest[skip.min(rest.len())..];
    }
    prose
}

/// The length of a literal, from after its opening quote to before the closing one.
fn literal_end(text: &str, raw: Option<usize>) -> usize {
    if let Some(hashes) = raw {
        return text.find(&format!("\"{}", "#".repeat(hashes))).unwrap_or(text.len());
    }
    let mut is_escaped = false;
    for (at, letter) in text.char_indices() {
        if letter == '"' && !is_escaped {
            return at;
        }
        is_escaped = letter == '\\' && !is_escaped;
    }
    text.len()
}

fn shown(path: &Path) -> String {
    path.strip_prefix(workspace("")).unwrap_or(path).display().to_string()
}

/// Files of the workspace with one of these endings, and their texts.
fn texts(endings: &[&str]) -> Vec<(String, String)> {
    let all = files(&workspace("")).into_iter();
    let of_kind =
        all.filter(|path| path.extension().is_some_and(|ending| endings.iter().any(|e| ending == *e)));
    of_kind
        .map(|path| {
            let text =
                fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            (shown(&path), text)
        })
        .collect()
}

fn is_of(path: &str, list: &[&str]) -> bool {
    list.iter().any(|start| path.starts_with(start))
}

#[track_caller]
fn assert_none(problems: &[String]) {
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

fn placed(path: &str, prose: &Prose) -> Vec<String> {
    prose.problems().into_iter().map(|(line, problem)| format!("{path}:{line}: {problem}")).collect()
}

#[test]
fn documents_read_as_english() {
    let pages = texts(&["md"]);
    assert!(pages.len() > 15, "{} pages", pages.len());
    let pages = pages.iter().filter(|(path, _)| !is_of(path, DOCUMENTS_LEFT_OUT));
    assert_none(&pages.flat_map(|(path, text)| placed(path, &page(text))).collect::<Vec<_>>());
}

#[test]
fn help_texts_read_as_english() {
    let sources = texts(&["rs"]);
    let sources: Vec<_> = sources.iter().filter(|(path, _)| is_of(path, HELP)).collect();
    assert_eq!(sources.len(), HELP.len(), "every source of help texts is there");
    assert_none(&sources.iter().flat_map(|(path, text)| placed(path, &help(text))).collect::<Vec<_>>());
}

#[test]
fn comments_for_users_read_as_english() {
    let files = texts(&["toml"]);
    let files: Vec<_> = files.iter().filter(|(path, _)| TEMPLATES.contains(&path.as_str())).collect();
    assert_eq!(files.len(), TEMPLATES.len(), "every template is there");
    assert_none(&files.iter().flat_map(|(path, text)| placed(path, &comments(text))).collect::<Vec<_>>());
}

#[test]
fn messages_read_as_english() {
    let sources = texts(&["rs", "py"]);
    let sources = sources.iter().filter(|(path, _)| is_of(path, MESSAGES) && !path.contains("/tests"));
    assert_none(&sources.flat_map(|(path, text)| placed(path, &messages(text))).collect::<Vec<_>>());
}

#[test]
fn lines_fit_a_screen() {
    let mut problems = Vec::new();
    for (path, text) in texts(&["rs", "md", "toml", "css"]) {
        if is_of(&path, WIDE_LINES_LEFT_OUT) {
            continue;
        }
        let mut is_json = false;
        for (number, line) in (1..).zip(text.lines()) {
            if line.starts_with("```") {
                is_json = line == "```json";
            }
            let length = line.chars().count();
            // Frames are one line, however long, and raw literals cannot be broken.
            let is_whole = is_json && line.starts_with("{\"v\":1,") || line.contains("r#\"");
            if length > LONGEST_LINE && !is_whole {
                problems.push(format!(
                    "{path}:{number}: {length} characters: break the line before {LONGEST_LINE}"
                ));
            }
        }
    }
    assert_none(&problems);
}

#[test]
fn slips_are_found_where_they_stand_and_english_is_left_alone() {
    let check = |text: &str| -> Vec<usize> { page(text).problems().iter().map(|(line, _)| *line).collect() };
    for slip in SLIPS {
        assert_eq!(check(&format!("# A\n\nOne line\nand {} another.", slip.phrase)), [4], "{}", slip.phrase);
        for fine in slip.fine {
            assert_eq!(check(&format!("One {fine} line.")), [0; 0], "{fine}");
        }
    }
    assert_eq!(check("All\nof it but\nfor this"), [2], "a phrase may go on in the next line");
    assert_eq!(check("Yes. What was tried in the head is lost.\nYes? Who asks\nknows."), [1, 2]);
    assert_eq!(check("- **What ends it** is a cancel.\n- What is it?\n- What it does\n"), [1]);
    assert_eq!(check("| What | Who |\n| --- | --- |\n| What comes. Twice | told |"), [3, 3]);
    assert_eq!(check("`told` [a](told.md) toll\n\n    told\n\n```\ntold\n```\nthere is no\n"), [0; 0]);
    let source = concat!(
        "/// This is told.\n",
        "#[arg(help = \"said so\")]\n",
        "let a = '\"'; // \"anew here\"\n",
        "let b = r#\"a \"told\" b\"#;\n",
    );
    let lines = |prose: Prose| -> Vec<usize> { prose.problems().iter().map(|(line, _)| *line).collect() };
    assert_eq!(lines(help(source)), [1]);
    assert_eq!(
        lines(comments("# is\n# told\nword = \"told\"\nother = 1   # so many\n# dir = 2  # anew\n")),
        [2, 4, 5]
    );
    assert_eq!(lines(messages(source)), [2, 4]);
    assert_eq!(lines(messages("f!(\"a {told} and {said:?} and told\");")), [1], "arguments are not words");
    assert_eq!(lines(messages("let a = \"one \\\n    is told \\\"so\\\"\"; let b = \"told you\";")), [2, 2]);
}
