//! An event as a map from field to text, so that two of them can be compared and told apart.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use stoop_model::{Bad, Bag, Detected, Event, HandleRow, Key, Media, Mention, Post, Price, Span, Url};
use stoop_wire::{Decoder, Limits};

/// Everything an event carries, by name; what is absent is not in it.
pub(crate) type Fields = BTreeMap<String, String>;

/// Decodes `frame` with a decoder of its own.
pub(crate) fn decode(frame: &[u8]) -> Vec<Result<Fields, Bad>> {
    decode_with(&mut Decoder::new(Limits::default()), frame)
}

/// Decodes `frame`.
pub(crate) fn decode_with(decoder: &mut Decoder, frame: &[u8]) -> Vec<Result<Fields, Bad>> {
    let mut all = Vec::new();
    decoder.decode(frame, |event| all.push(event.map(|event| show(event))));
    all
}

/// Decodes a frame of one good element.
#[track_caller]
pub(crate) fn one(frame: &str) -> Fields {
    match decode(frame.as_bytes()).as_slice() {
        [Ok(fields)] => fields.clone(),
        other => panic!("{frame}\n{other:?}"),
    }
}

/// Decodes a frame of one good element and expects exactly these fields, but for the fingerprint.
#[track_caller]
pub(crate) fn check(frame: &str, expect: &[(&str, &str)]) {
    let mut fields = one(frame);
    fields.remove("fingerprint");
    let expect: Fields = expect.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    assert_eq!(list(&fields), list(&expect), "{frame}");
}

/// The fields, one a line.
pub(crate) fn list(fields: &Fields) -> String {
    fields.iter().fold(String::new(), |mut list, (name, text)| {
        writeln!(list, "{name} = {text}").expect("a string grows");
        list
    })
}

/// Everything `event` carries.
pub(crate) fn show(event: &Event) -> Fields {
    let mut show = Show { strings: &event.strings, fields: Fields::new() };
    show.put("op", format!("{:?}", event.op));
    show.option("ts", event.ts_ms);
    show.span("id", event.envelope_id);
    if event.op.is_tweet() {
        show.put("tweet_id", event.tweet_id.to_string());
    }
    show.option("platform", event.platform.as_ref());
    show.put("fingerprint", format!("{:016x}", event.fingerprint));
    show.span("event_id", event.event_id);
    show.option("observed", event.observed_ms);
    show.option("received", event.received_ms);
    show.option("deleted", event.deleted_ms);
    show.span("action", event.action);
    show.post("post", &event.post);
    show.post("pinned", &event.pinned);
    show.option("pinned_id", event.pinned_id.as_ref());
    for (at, asset) in event.detected.iter().enumerate() {
        show.asset(&format!("detected[{at}]"), asset);
    }
    show.bag("actor", &event.actor);
    show.bag("target", &event.target);
    show.bag("changes", &event.changes);
    show.bag("previous", &event.previous);
    show.span("handles.action", event.handles.action);
    show.span("handles.request_id", event.handles.request_id);
    show.span("handles.error", event.handles.error);
    for (at, row) in event.handles.results.iter().enumerate() {
        show.row(&format!("handles[{at}]"), *row);
    }
    show.span("raw", event.raw);
    if event.unknowns.version {
        show.put("unknowns.version", "true".to_owned());
    }
    show.count("unknowns.fields", event.unknowns.fields);
    show.count("unknowns.values", event.unknowns.values);
    show.count("field_errors", event.field_errors);
    show.option(
        "field_error",
        event.field_error.map(|error| format!("{:?}@{:?}", error.reason, error.offset)),
    );
    show.fields
}

struct Show<'a> {
    strings: &'a str,
    fields: Fields,
}

impl Show<'_> {
    fn put(&mut self, name: &str, text: String) {
        let before = self.fields.insert(name.to_owned(), text);
        assert_eq!(before, None, "{name} twice");
    }

    fn option(&mut self, name: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.put(name, value.to_string());
        }
    }

    fn count(&mut self, name: &str, count: u32) {
        self.option(name, Some(count).filter(|count| *count > 0));
    }

    fn span(&mut self, name: &str, span: Option<Span>) {
        self.option(name, span.map(|span| span.of(self.strings).to_owned()));
    }

    fn bag<K: Key + std::fmt::Debug, const N: usize>(&mut self, name: &str, bag: &Bag<K, N>) {
        for key in K::ALL {
            let name = format!("{name}.{key:?}");
            match (bag.has(*key), bag.is_null(*key)) {
                (true, true) => panic!("{name} is present and null"),
                (false, true) => self.put(&name, "(null)".to_owned()),
                (false, false) => {}
                (true, false) if key.is_text() => self.span(&name, bag.span(*key)),
                (true, false) => self.option(&name, bag.int(*key)),
            }
        }
    }

    fn post(&mut self, name: &str, post: &Post) {
        self.bag(name, &post.body);
        self.bag(&format!("{name}.author"), &post.author);
        self.bag(&format!("{name}.ref_author"), &post.ref_author);
        self.media(&format!("{name}.media"), &post.media);
        self.media(&format!("{name}.ref_media"), &post.ref_media);
        for (at, Mention { handle, id, name: label }) in post.mentions.iter().enumerate() {
            let name = format!("{name}.mentions[{at}]");
            self.option(&name, Some(""));
            self.span(&format!("{name}.handle"), *handle);
            self.span(&format!("{name}.id"), *id);
            self.span(&format!("{name}.name"), *label);
        }
        for (at, Url { url, name: label, tco }) in post.urls.iter().enumerate() {
            let name = format!("{name}.urls[{at}]");
            self.option(&name, Some(""));
            self.span(&format!("{name}.url"), *url);
            self.span(&format!("{name}.name"), *label);
            self.span(&format!("{name}.tco"), *tco);
        }
    }

    fn media(&mut self, name: &str, media: &[Media]) {
        for (at, Media { url, kind, thumbnail }) in media.iter().enumerate() {
            let name = format!("{name}[{at}]");
            self.option(&name, Some(""));
            self.span(&format!("{name}.url"), *url);
            self.span(&format!("{name}.type"), *kind);
            self.span(&format!("{name}.thumbnail"), *thumbnail);
        }
    }

    fn asset(&mut self, name: &str, asset: &Detected) {
        self.put(name, format!("{:?}", asset.class));
        self.bag(name, &asset.fields);
        match asset.price {
            Some(Price::Usd(price)) => self.put(&format!("{name}.price"), price.to_string()),
            Some(Price::OutOfRange) => self.put(&format!("{name}.price"), "out of range".to_owned()),
            None => {}
        }
    }

    fn row(&mut self, name: &str, row: HandleRow) {
        self.option(name, Some(""));
        self.span(&format!("{name}.input"), row.input);
        self.span(&format!("{name}.state"), row.state);
        self.span(&format!("{name}.handle"), row.handle);
        self.span(&format!("{name}.name"), row.name);
        self.span(&format!("{name}.normalizedHandle"), row.normalized_handle);
        self.span(&format!("{name}.profileImage"), row.profile_image);
        self.span(&format!("{name}.twitterId"), row.twitter_id);
        self.span(&format!("{name}.message"), row.message);
    }
}
