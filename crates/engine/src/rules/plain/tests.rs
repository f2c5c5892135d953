//! Plain text by tables, by properties, and against a slow reading of the contract, letter by letter.

use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization;

use super::*;

/// The body after steps 1 to 5.
fn body(text: &str) -> String {
    let mut body = Body::default();
    body.read(text);
    body.text().to_owned()
}

/// The body as words are sought in it.
fn body_words(text: &str) -> String {
    let mut out = String::new();
    words(&body(text), &mut out);
    out
}

/// Another text as words are sought in it.
fn field_words(text: &str) -> String {
    let mut out = String::new();
    push_words_of(text, &mut Scratch::default(), &mut out);
    out
}

/// The links of a body.
fn links_of(text: &str) -> Vec<String> {
    let mut body = Body::default();
    body.read(text);
    body.links(text).map(|(_, link)| link.to_owned()).collect()
}

/// The contract read letter by letter, with lists of its own.
mod slow {
    use caseless::Caseless;
    use unicode_normalization::UnicodeNormalization;

    /// `Default_Ignorable_Code_Point` of `DerivedCoreProperties.txt`.
    const NOTHING: [(u32, u32); 17] = [
        (0xAD, 0xAD),
        (0x34F, 0x34F),
        (0x61C, 0x61C),
        (0x115F, 0x1160),
        (0x17B4, 0x17B5),
        (0x180B, 0x180F),
        (0x200B, 0x200F),
        (0x202A, 0x202E),
        (0x2060, 0x206F),
        (0x3164, 0x3164),
        (0xFE00, 0xFE0F),
        (0xFEFF, 0xFEFF),
        (0xFFA0, 0xFFA0),
        (0xFFF0, 0xFFF8),
        (0x1BCA0, 0x1BCA3),
        (0x1D173, 0x1D17A),
        (0xE0000, 0xE0FFF),
    ];

    pub(crate) fn shows_nothing(letter: char) -> bool {
        NOTHING.iter().any(|(first, last)| (*first..=*last).contains(&u32::from(letter)))
    }

    fn entities(text: &[char]) -> Vec<char> {
        let known = [
            ("&amp;", '&'),
            ("&lt;", '<'),
            ("&gt;", '>'),
            ("&quot;", '"'),
            ("&apos;", '\''),
            ("&#39;", '\''),
        ];
        let mut out = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let rest: String = text[at..].iter().take(6).collect();
            if let Some((name, letter)) = known.iter().find(|(name, _)| rest.starts_with(name)) {
                out.push(*letter);
                at += name.len();
            } else {
                out.push(text[at]);
                at += 1;
            }
        }
        out
    }

    fn without_links(text: &[char]) -> Vec<char> {
        let mut out = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let scheme = ["http://", "https://"].into_iter().find(|scheme| {
                let here: String = text[at..].iter().take(scheme.len()).collect();
                here.eq_ignore_ascii_case(scheme)
            });
            let Some(scheme) = scheme else {
                out.push(text[at]);
                at += 1;
                continue;
            };
            let from = at + scheme.len();
            let ahead: String = text[from..].iter().take(6).collect();
            let mut end = from;
            if ahead.starts_with("t.co/")
                && ahead.chars().nth(5).is_some_and(|letter| letter.is_ascii_alphanumeric())
            {
                end += 5;
                while text.get(end).is_some_and(char::is_ascii_alphanumeric) {
                    end += 1;
                }
            } else {
                let allowed = "-._~:/?#[]@!$&'()*+,;=%";
                while text.get(end).is_some_and(|l| l.is_ascii_alphanumeric() || allowed.contains(*l)) {
                    end += 1;
                }
                while end > from && is_tail(&text[from..end]) {
                    end -= 1;
                }
            }
            out.push(' ');
            at = end;
        }
        out
    }

    /// The last letter of a link is none of it.
    fn is_tail(link: &[char]) -> bool {
        let last = link[link.len() - 1];
        if ".,;:!?'\"".contains(last) {
            return true;
        }
        let opener = match last {
            ')' => '(',
            ']' => '[',
            _ => return false,
        };
        // Backwards to the opener it belongs to, if there is one.
        let mut open_needed = 0;
        for letter in link.iter().rev() {
            if *letter == last {
                open_needed += 1;
            } else if *letter == opener {
                open_needed -= 1;
                if open_needed == 0 {
                    return false;
                }
            }
        }
        true
    }

    fn visible(text: &[char]) -> Vec<char> {
        let shown: String = text.iter().filter(|letter| !shows_nothing(**letter)).collect();
        let parts: Vec<String> = shown.split('…').map(|part| part.nfkc().collect()).collect();
        let swap = |letter| match letter {
            '\u{2019}' | '\u{2018}' | '\u{2bc}' => '\'',
            '\u{201c}' | '\u{201d}' => '"',
            '\u{2010}' | '\u{2011}' => '-',
            other => other,
        };
        parts.join("…").chars().map(swap).collect()
    }

    fn without_handles(text: &[char]) -> Vec<char> {
        let is_of_handle = |letter: &char| letter.is_ascii_alphanumeric() || *letter == '_';
        let mut out = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let is_free = at == 0 || !is_of_handle(&text[at - 1]);
            let len = text[at + 1..].iter().take_while(|letter| is_of_handle(letter)).count();
            if text[at] == '@' && is_free && len > 0 {
                out.push(' ');
                at += 1 + len;
            } else {
                out.push(text[at]);
                at += 1;
            }
        }
        out
    }

    fn words(text: &[char]) -> String {
        let folded: Vec<char> = text.iter().copied().default_case_fold().collect();
        let mut out = String::new();
        let mut at = 0;
        while at < folded.len() {
            let is_i = folded[at] == 'ı' || folded[at] == 'i';
            let letter = if is_i { 'i' } else { folded[at] };
            if !letter.is_whitespace() {
                out.push(letter);
            } else if !out.ends_with(' ') {
                out.push(' ');
            }
            at += if is_i && folded.get(at + 1) == Some(&'\u{307}') { 2 } else { 1 };
        }
        out
    }

    pub(crate) fn body(text: &str) -> String {
        let text: Vec<char> = text.chars().collect();
        without_handles(&visible(&without_links(&entities(&text)))).into_iter().collect()
    }

    pub(crate) fn body_words(text: &str) -> String {
        words(&body(text).chars().collect::<Vec<_>>())
    }

    pub(crate) fn field_words(text: &str) -> String {
        words(&visible(&entities(&text.chars().collect::<Vec<_>>())))
    }

    pub(crate) fn term(text: &str) -> String {
        words(&visible(&text.chars().collect::<Vec<_>>()))
    }
}

/// Texts of everything that some step looks at.
fn texts() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(
        &[
            "list",
            "Will ",
            "$EDGE",
            "@binance",
            "me@doge.com",
            "@",
            "＠a",
            "https://x.com/a_(b)",
            "http://",
            "HTTPS://t.co/Ab1",
            "https://t.co/",
            "https://t.co/a-b",
            "HtTp://x",
            "xhttps://y",
            "(https://x.io/a)",
            "[http://x.io/]",
            "))",
            "](",
            ")",
            "&amp;",
            "&amp;lt;",
            "&lt;",
            "&#39;",
            "&quot",
            "&",
            "；",
            ".",
            "，",
            "?!",
            "'",
            "\"",
            "…",
            "...",
            "‥",
            "上线",
            "신규",
            "ア",
            "ไท",
            "é",
            "e",
            "\u{301}",
            "\u{307}",
            "\u{323}",
            "i",
            "I",
            "İ",
            "ı",
            "ß",
            "ﬁ",
            "Ǆ",
            "K",
            "\u{ad}",
            "\u{200b}",
            "\u{200d}",
            "\u{200e}",
            "\u{202e}",
            "\u{180e}",
            "\u{34f}",
            "\u{feff}",
            "\u{fe0f}",
            "\u{e0061}",
            "’",
            "‘",
            "ʼ",
            "ŉ",
            "“",
            "”",
            "‐",
            "‑",
            "–",
            " ",
            "  ",
            "\n",
            "\t",
            "\u{b}",
            "\u{a0}",
            "\u{3000}",
            "\u{2028}",
            "\u{85}",
            "ＥＤＧＥ",
            "Ⓔ",
            "🚀",
            "🇺🇸",
            "_",
            "1",
            "½",
            "\u{20e3}",
            "\u{1d173}",
            "한",
            "\u{1112}\u{1161}",
            "ﷺ",
            "\u{0}",
        ][..],
    );
    let any = prop::collection::vec(any::<char>(), 0..4).prop_map(|letters| letters.into_iter().collect());
    let piece = prop_oneof![9 => piece.prop_map(str::to_owned), 1 => any];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn plain_text_is_what_the_contract_says_letter_by_letter(text in texts()) {
        prop_assert_eq!(body(&text), slow::body(&text));
        prop_assert_eq!(body_words(&text), slow::body_words(&text));
        prop_assert_eq!(field_words(&text), slow::field_words(&text));
        prop_assert_eq!(term(&text), slow::term(&text));
    }

    /// But for entities, and what folding takes apart, which composes with a mark behind it.
    #[test]
    fn plain_text_is_plain(text in texts()) {
        let visible = |text: &str| {
            let mut out = String::new();
            push_visible(text, &mut out);
            out
        };
        let once = visible(&text);
        prop_assert_eq!(visible(&once), once.clone());
        let words = term(&text.replace(|letter: char| unicode_normalization::char::is_combining_mark(letter), ""));
        prop_assert_eq!(term(&words), words.clone());
        if !words.contains('&') {
            prop_assert_eq!(field_words(&words), words.clone());
        }
    }

    #[test]
    fn what_shows_nothing_changes_nothing(
        text in "[a-z$ ]{0,12}",
        at in 0..12_usize,
        nothing in "[\u{ad}\u{200b}\u{2060}\u{fe0f}]{1,3}",
    ) {
        let mut hidden = text.clone();
        hidden.insert_str(at.min(text.len()), &nothing);
        prop_assert_eq!(body(&hidden), text.clone());
        prop_assert_eq!(term(&hidden), term(&text));
    }

    #[test]
    fn every_short_way_is_the_long_way(
        text in "[ a-cA-Z@&;:/.\\t\\n\u{b}éÉ\u{301}\u{200b}\u{a0}ßﬁΣ한\u{1100}\u{1161}가]{0,150}",
    ) {
        prop_assert_eq!(body(&text), slow::body(&text));
        prop_assert_eq!(body_words(&text), slow::body_words(&text));
    }
}

#[test]
fn every_character_that_shows_nothing_is_known() {
    for letter in '\0'..=char::MAX {
        assert_eq!(shows_nothing(letter), slow::shows_nothing(letter), "U+{:04X}", u32::from(letter));
    }
}

#[test]
fn links_end_where_the_text_goes_on() {
    for (text, link, rest) in [
        ("a https://x.com/b?c#d e", "https://x.com/b?c#d", "a   e"),
        ("HTTPS://X.COM\nb", "HTTPS://X.COM", " \nb"),
        ("see:http://x", "http://x", "see: "),
        ("xhttps://y z", "https://y", "x  z"),
        ("https://", "https://", " "),
        ("https://币安", "https://", " 币安"),
        ("https://x.com/a上线", "https://x.com/a", " 上线"),
        ("https://x.com/a신규", "https://x.com/a", " 신규"),
        ("https://x.com/a，b", "https://x.com/a", " ,b"),
        ("https://x.com/a🚀b", "https://x.com/a", " 🚀b"),
        ("https://x.com/a”b", "https://x.com/a", " \"b"),
        ("(https://x.com/a)b", "https://x.com/a)b", "( "),
        ("(https://x.com/a) b", "https://x.com/a", "( ) b"),
        ("(https://x.com/a_(b)) c", "https://x.com/a_(b)", "( ) c"),
        ("https://x.com/a_(b).", "https://x.com/a_(b)", " ."),
        ("[https://x.com/a].", "https://x.com/a", "[ ]."),
        ("https://x.com/a]).,;:!?' b", "https://x.com/a", " ]).,;:!?' b"),
        ("https://x.com/a)b(c) d", "https://x.com/a)b(c)", "  d"),
        ("https://..", "https://", " .."),
        ("https://t.co/Ab1-list", "https://t.co/Ab1", " -list"),
        ("https://t.co/Ab1上线", "https://t.co/Ab1", " 上线"),
        ("https://t.co/", "https://t.co/", " "),
        ("https://t.co.io/a-b", "https://t.co.io/a-b", " "),
        ("https://x.com/a&amp;b=c d", "https://x.com/a&b=c", "  d"),
    ] {
        assert_eq!(links_of(text), [link], "{text}");
        assert_eq!(body(text), rest, "{text}");
    }
    for text in ["ftp://doge", "http:/x", "https//x", "ｈttps://x", "//x.com"] {
        assert!(links_of(text).is_empty(), "{text}");
    }
    assert_eq!(links_of("a http://b c https://d"), ["http://b", "https://d"]);
    assert_eq!(links_of("http://ahttp://b"), ["http://ahttp://b"]);
}

#[test]
fn handles_leave_one_space() {
    for (text, rest) in [
        ("hi @cb_doge!", "hi  !"),
        ("mail me@doge.com now", "mail me@doge.com now"),
        ("@a@b", " @b"),
        ("@ doge @é", "@ doge @é"),
        ("é@doge", "é "),
        ("上@doge线", "上 线"),
        ("＠doge", " "),
        ("@d\u{200b}oge", " "),
        ("https://x.io/@doge", " "),
        ("", ""),
    ] {
        assert_eq!(body(text), rest, "{text:?}");
    }
    assert_eq!(field_words("hi @CB https://x.IO"), "hi @cb https://x.io", "no body");
}

#[test]
fn words_are_the_same_for_every_spelling() {
    for (text, expect) in [
        ("Hello\t\u{b}\n World ", "hello world "),
        ("ＤＯＧＥ", "doge"),
        ("Straße ﬁn", "strasse fin"),
        ("d\u{200b}o\u{feff}ge", "doge"),
        ("li\u{ad}st w\u{200e}ill \u{34f}x\u{180e}", "list will x"),
        ("ΣΑΣ", "σασ"),
        ("a\u{a0}\u{3000}b", "a b"),
        ("ℌ", "h"),
        ("don’t don‘t donʼt", "don't don't don't"),
        ("“list” ‐ ‑", "\"list\" - -"),
        ("LİST lıst LIST li\u{307}st", "list list list list"),
        ("more… ‥", "more… .."),
        ("cafe\u{301}", "café"),
        ("&amp; &amp;lt; &quot;&apos;&#39; &nbsp;", "& &lt; \"'' &nbsp;"),
    ] {
        assert_eq!(field_words(text), expect, "{text:?}");
        assert_eq!(body_words(text), expect, "{text:?}");
    }
    let mixed = "The QUICK\r\nbrown\tfox_1";
    assert_eq!(field_words(mixed), field_words(&format!("{mixed}é")).trim_end_matches('é'));
    assert_eq!(term("&amp; https://x"), "&amp; https://x", "a term is taken at its word");
}

#[test]
fn the_first_line_is_that_of_the_plain_body() {
    for (text, line) in [
        ("a\nb", "a"),
        ("a\rb", "a"),
        ("", ""),
        ("\n\na\nb", "\n\na"),
        ("https://x\n@b a\nc", " \n  a"),
        ("a", "a"),
    ] {
        let mut body = Body::default();
        body.read(text);
        assert_eq!(&body.text()[..body.first_line_end()], line, "{text:?}");
    }
}

#[test]
fn boundaries_fail_only_inside_words_of_spaced_scripts() {
    for (a, b, expect) in [
        ('e', 's', false),
        ('e', '_', false),
        ('e', '1', false),
        ('e', ' ', true),
        ('e', '-', true),
        ('e', '币', true),
        ('币', '安', true),
        ('ア', 'ー', true),
        ('한', '글', true),
        ('ไ', 'ท', true),
        ('ລ', 'າ', true),
        ('ក', 'ខ', true),
        ('က', 'ခ', true),
        ('ㄅ', 'ㄆ', true),
        ('д', 'о', false),
        ('e', '\u{301}', false),
        ('e', '\u{20e3}', false),
        ('ক', 'খ', false),
        ('ꀀ', 'ꀁ', false),
        ('e', '½', false),
        ('e', '🚀', true),
    ] {
        assert_eq!(is_boundary(Some(a), Some(b)), expect, "{a} {b}");
    }
    assert!(is_boundary(Some('e'), None));
}

#[test]
fn a_flood_takes_time_in_proportion_and_loses_nothing() {
    let marks = "\u{301}".repeat(100_000);
    assert_eq!(body(&format!("e{marks}")), format!("e{marks}").nfkc().collect::<String>());
    for flood in ["$", "&", "@", ":", "https://", "&amp;", "…", "(", "\u{202e}", "@a"] {
        let text = flood.repeat(200_000);
        assert!(body(&text).len() <= text.len(), "{flood}");
    }
}
