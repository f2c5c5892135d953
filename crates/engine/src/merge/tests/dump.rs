//! All of a view that does not depend on when its frames came.

use std::fmt::Write;

use stoop_model::{AUTHOR_FIELDS, AssetField, AuthorField, Bag, Key, PostField, Span};

use crate::merge::View;

/// One line a field.
pub(super) fn of(view: &View) -> String {
    let mut out = String::new();
    let strings = &view.strings;
    let text = |span: Option<Span>| span.map_or("-", |span| span.of(strings));
    let mut line = |name: String, value: String| writeln!(out, "{name}={value}").expect("a string");
    line("deleted".into(), view.deleted.to_string());
    line("pinned".into(), format!("{:?}", view.pinned));
    for key in PostField::ALL {
        let list = |spans: Vec<[Option<Span>; 3]>| {
            let texts = spans.into_iter().map(|spans| spans.map(text).join("/"));
            format!("[{}]", texts.collect::<Vec<_>>().join(","))
        };
        let post = &view.post;
        let media =
            |media: &[stoop_model::Media]| list(media.iter().map(|m| [m.url, m.kind, m.thumbnail]).collect());
        let value = match key {
            _ if !post.body.has(*key) => continue,
            PostField::Media => media(&post.media),
            PostField::RefMedia => media(&post.ref_media),
            PostField::Mentions => list(post.mentions.iter().map(|m| [m.handle, m.id, m.name]).collect()),
            PostField::Urls => list(post.urls.iter().map(|u| [u.url, u.name, u.tco]).collect()),
            PostField::Kind
            | PostField::Text
            | PostField::CreatedAt
            | PostField::ReceivedAt
            | PostField::Link
            | PostField::RefType
            | PostField::RefTweetId
            | PostField::RefText
            | PostField::OcrText => value(&post.body, *key, strings),
        };
        line(format!("{key:?}"), value);
    }
    for (name, author) in [("author", &view.post.author), ("ref", &view.post.ref_author)] {
        for (key, value) in author_fields(author, strings) {
            line(format!("{name}.{key:?}"), value);
        }
    }
    for asset in &view.assets {
        let keys = AssetField::ALL.iter().filter(|key| asset.fields.has(**key));
        let fields = keys.map(|key| format!("{key:?}:{}", value(&asset.fields, *key, strings)));
        let price = asset.price.map(|(price, _)| price);
        line(format!("{:?}", asset.class), format!("{} {price:?}", fields.collect::<Vec<_>>().join(" ")));
    }
    out
}

fn author_fields(author: &Bag<AuthorField, AUTHOR_FIELDS>, strings: &str) -> Vec<(AuthorField, String)> {
    let keys = AuthorField::ALL.iter().filter(|key| author.has(**key) || author.is_null(**key));
    keys.map(|key| (*key, value(author, *key, strings))).collect()
}

fn value<K: Key, const N: usize>(bag: &Bag<K, N>, key: K, strings: &str) -> String {
    if bag.is_null(key) {
        return "null".to_owned();
    }
    bag.text(key, strings).map_or_else(|| bag.int(key).unwrap_or(-1).to_string(), str::to_owned)
}
