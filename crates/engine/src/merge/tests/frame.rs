//! Frames of one tweet at random: any fields there or not, values and times that often are the same.

use proptest::collection::vec;
use proptest::prelude::*;

/// One frame, its members by path in order of writing.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) op: &'static str,
    pub(super) ts: u8,
    /// Values by path, such as `author.name`, written as JSON.
    pub(super) fields: Vec<(&'static str, String)>,
    /// Detected assets by list, members in order of writing.
    pub(super) assets: Vec<(&'static str, Vec<(&'static str, String)>)>,
    /// Makes every payload another one.
    pub(super) nonce: usize,
}

impl Frame {
    /// The frame as it is on the wire.
    pub(super) fn json(&self, tweet: u64) -> String {
        let mut members = vec![format!(r#""tweetId":"{tweet}""#), format!(r#""n":{}"#, self.nonce)];
        members.extend(self.object(""));
        for list in ["tokens", "cex"] {
            let of = self.assets.iter().filter(|(name, _)| *name == list);
            let items = of.map(|(_, fields)| {
                let fields = fields.iter().map(|(name, value)| format!(r#""{name}":{value}"#));
                format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
            });
            let items = items.collect::<Vec<_>>().join(",");
            let lists = members.iter_mut().find(|member| member.starts_with("\"detected\""));
            match lists {
                _ if items.is_empty() => {}
                Some(lists) => *lists = lists.replace("}#", &format!(",\"{list}\":[{items}]}}#")),
                None => members.push(format!("\"detected\":{{\"{list}\":[{items}]}}#")),
            }
        }
        let payload = members.join(",").replace("}#", "}");
        format!(r#"{{"t":"tweet","op":"{}","ts":{},"d":{{{payload}}}}}"#, self.op, self.ts)
    }

    /// The members below a path, objects inside it built up.
    fn object(&self, under: &str) -> Vec<String> {
        let mut members = Vec::new();
        let mut done = Vec::new();
        for (path, value) in &self.fields {
            let Some(rest) = path.strip_prefix(under) else { continue };
            match rest.split_once('.') {
                None => members.push(format!(r#""{rest}":{value}"#)),
                Some((object, _)) if !done.contains(&object) => {
                    done.push(object);
                    let inner = self.object(&format!("{under}{object}."));
                    members.push(format!(r#""{object}":{{{}}}"#, inner.join(",")));
                }
                Some(_) => {}
            }
        }
        members
    }
}

/// A field that is there in every other frame.
fn field(
    path: &'static str,
    values: &'static [&'static str],
) -> BoxedStrategy<Option<(&'static str, String)>> {
    let value = prop::sample::select(values).prop_map(str::to_owned);
    prop::option::of(value.prop_map(move |value| (path, value))).boxed()
}

fn fields(
    list: Vec<BoxedStrategy<Option<(&'static str, String)>>>,
) -> BoxedStrategy<Vec<(&'static str, String)>> {
    list.prop_map(|fields| fields.into_iter().flatten().collect()).boxed()
}

fn post() -> BoxedStrategy<Vec<(&'static str, String)>> {
    fields(vec![
        field("kind", &["\"post\"", "\"reply\"", "\"poll\""]),
        field("text", &["\"\"", "\"a\"", "\"bé\"", "\"cc\""]),
        field("createdAt", &["1", "2"]),
        field("receivedAt", &["1", "2"]),
        field("link", &["\"l\"", "\"ll\""]),
        field("media", &["[]", r#"[{"url":"m","type":"gif"}]"#, r#"[{"url":"n"},{"thumbnail":"o"}]"#]),
        field("mentions", &["[]", r#"[{"handle":"@m"}]"#, r#"[{"id":"7"},{"name":"n"}]"#]),
        field("urls", &["[]", r#"[{"url":"u"}]"#, r#"[{"url":"v","tco":"t"},{"name":"w"}]"#]),
        field("author.name", &["\"n\"", "\"nn\""]),
        field("author.followersCount", &["1", "2"]),
        field("author.verifiedLabel", &["null", "{}", r#"{"badge":"b"}"#]),
        field("ref.type", &["\"quote\"", "\"reply\""]),
        field("ref.text", &["\"r\"", "\"rr\""]),
        field("ref.author.handle", &["\"@r\"", "\"@s\""]),
    ])
}

fn token() -> BoxedStrategy<(&'static str, Vec<(&'static str, String)>)> {
    fields(vec![
        field("symbol", &["\"AB\"", "\"ab\"", "\"CD\"", "\"\""]),
        field(
            "contract",
            &[
                "\"C1\"",
                "\"c1\"",
                "\"0x1111111111111111111111111111111111111aBc\"",
                "\"0x1111111111111111111111111111111111111AbC\"",
            ],
        ),
        field("chain", &["\"sol\"", "\"eth\""]),
        field("priceUsd", &["1", "0.5"]),
        field("sources", &["[]", r#"["text"]"#, r#"["ocr","text"]"#]),
    ])
    .prop_map(|fields| ("tokens", fields))
    .boxed()
}

fn market() -> BoxedStrategy<(&'static str, Vec<(&'static str, String)>)> {
    fields(vec![
        field("exchange", &["\"binance\"", "\"okx\""]),
        field("symbol", &["\"ABUSDT\"", "\"X\""]),
        field("baseAsset", &["\"AB\""]),
        field("quoteAsset", &["\"USDT\""]),
    ])
    .prop_map(|fields| ("cex", fields))
    .boxed()
}

fn frame() -> BoxedStrategy<Frame> {
    let handle = || field("author.handle", &["\"@a\"", "\"@A\""]);
    let assets = || vec(prop_oneof![token(), market()], 0..5);
    let none = || Just(Vec::new()).boxed();
    let with_handle =
        || (post(), handle()).prop_map(|(post, handle)| post.into_iter().chain(handle).collect());
    let pin = || (0_u8..3).prop_map(|at| vec![("observedAt", at.to_string())]);
    let kinds = prop_oneof![
        3 => (Just("content"), with_handle(), none()),
        4 => (Just("update"), with_handle(), none()),
        4 => (Just("meta"), fields(vec![field("ocr.text", &["\"o\"", "\"p\""])]), assets()),
        1 => (Just("delete"), fields(vec![handle()]), none()),
        1 => (prop_oneof![Just("pin"), Just("unpin")], pin(), none()),
    ];
    (kinds, 0_u8..4).prop_map(|((op, fields, assets), ts)| Frame { op, ts, fields, assets, nonce: 0 }).boxed()
}

/// Frames of one tweet; no two are copies.
pub(super) fn frames() -> impl Strategy<Value = Vec<Frame>> {
    vec(frame(), 1..12).prop_map(|mut frames| {
        for (nonce, frame) in frames.iter_mut().enumerate() {
            frame.nonce = nonce;
        }
        frames
    })
}
