//! The payload of a meta frame: text in pictures and detected assets.

use simd_json::Node;
use stoop_model::{
    ASSET_FIELDS, AssetField, Bad, Detected, DetectedClass, Event, Filling, PostField, Span, TweetId,
};

use crate::members::members;
use crate::reader::Reader;

/// Reads the payload of a meta frame and sets its tweet.
pub(crate) fn meta(
    reader: &mut Reader<'_>,
    object: &[Node<'_>],
    event: &mut Event,
    id: &mut Option<TweetId>,
) -> Result<(), Bad> {
    members!(reader, object, members, {
        b"tweetId" => *id = Some(reader.tweet_id(members.pop())?),
        b"receivedAt" => {
            reader.cut_out(members);
            event.received_ms = reader.int(members);
        },
        b"ocr" => {
            if let Some(object) = reader.deciding_object(members.pop())? {
                ocr(reader, object, event)?;
            }
        },
        b"detected" => {
            if let Some(object) = reader.deciding_object(members.pop())? {
                detected(reader, object, &mut event.detected)?;
            }
        },
    });
    Ok(())
}

fn ocr(reader: &mut Reader<'_>, object: &[Node<'_>], event: &mut Event) -> Result<(), Bad> {
    members!(reader, object, members, {
        b"text" => {
            if let Some(span) = reader.deciding_text(members)? {
                event.post.body.set_span(PostField::OcrText, span);
            }
        },
    });
    Ok(())
}

fn detected(reader: &mut Reader<'_>, object: &[Node<'_>], detected: &mut Vec<Detected>) -> Result<(), Bad> {
    // Collected first: the event has them in this order, whatever the order of the members.
    let (mut tokens, mut cex, mut prediction) = (None, None, None);
    members!(reader, object, members, {
        b"tokens" => tokens = reader.list(members.pop())?,
        b"cex" => cex = reader.list(members.pop())?,
        b"prediction" => prediction = reader.list(members.pop())?,
    });
    let lists =
        [(DetectedClass::Token, tokens), (DetectedClass::Cex, cex), (DetectedClass::Prediction, prediction)];
    for (class, list) in lists {
        if let Some(list) = list {
            reader.objects(list, |reader, object| {
                // Filled in place: copying a finished one there would stall until all its parts are stored.
                let at = detected.len();
                detected.push(Detected::new(class));
                asset(reader, object, &mut detected[at])
            })?;
        }
    }
    Ok(())
}

fn asset(reader: &mut Reader<'_>, object: &[Node<'_>], asset: &mut Detected) -> Result<(), Bad> {
    let Detected { class, fields, price } = asset;
    let (class, to) = (*class, &mut fields.fill());
    members!(reader, object, members, {
        b"symbol" => text(to, AssetField::Symbol, reader.text(members)),
        b"name" => text(to, AssetField::Name, reader.text(members)),
        b"contract" => text(to, AssetField::Contract, reader.text(members)),
        b"chain" => text(to, AssetField::Chain, reader.text(members)),
        b"networkId" => text(to, AssetField::NetworkId, reader.id(members)),
        b"exchange" => {
            let known = |text: &[u8]| is_exchange(text, class);
            text(to, AssetField::Exchange, reader.choice(members, known));
        },
        b"baseAsset" => text(to, AssetField::Base, reader.text(members)),
        b"quoteAsset" => text(to, AssetField::Quote, reader.text(members)),
        b"marketId" => text(to, AssetField::MarketId, reader.id(members)),
        b"title" => text(to, AssetField::Title, reader.text(members)),
        b"url" => text(to, AssetField::Url, reader.text(members)),
        b"priceUsd" => *price = reader.price(members.pop()),
        b"sources" => text(to, AssetField::Sources, reader.sources(members.pop())),
    });
    Ok(())
}

fn is_exchange(text: &[u8], class: DetectedClass) -> bool {
    match class {
        DetectedClass::Token | DetectedClass::Cex => {
            text == b"bybit" || text == b"binance" || text == b"hyperliquid"
        }
        DetectedClass::Prediction => text == b"polymarket" || text == b"kalshi",
    }
}

#[inline]
fn text(fields: &mut Filling<'_, AssetField, ASSET_FIELDS>, field: AssetField, span: Option<Span>) {
    if let Some(span) = span {
        fields.set_span(field, span);
    }
}
