use serde_json::Value;

use super::template::{Piece, pieces};
use super::{Hole, Route};
use crate::client::{Body, Request, encoded, text};
use crate::place::Place;

/// What a place of a request is filled with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Fill {
    /// A value, encoded as its place needs it.
    Value(Value),
    /// Text of a path that is encoded already.
    Raw(String),
    /// Nothing: the parameter, the header or the member is left out.
    Nothing,
}

impl Route {
    /// Every place that the walk fills.
    pub(crate) fn holes(&self) -> Vec<(Place, Hole)> {
        let mut holes = Vec::new();
        drop(self.draft(&mut |place, hole| {
            holes.push((place.clone(), hole.clone()));
            Fill::Value(Value::from("x"))
        }));
        holes
    }

    /// A request to it, each place filled as `fill` says.
    pub(crate) fn draft(&self, fill: &mut dyn FnMut(&Place, &Hole) -> Fill) -> Request {
        let path = self.path_filled(fill);
        let mut request = Request { method: self.method.clone(), path, ..Request::default() };
        for (name, template) in &self.query {
            if let Some(value) = filled(template, &Place::Query(name.clone()), fill) {
                match value {
                    Value::Array(items) => {
                        request.query.extend(items.iter().map(|item| (name.clone(), text(item))));
                    }
                    value => request.query.push((name.clone(), text(&value))),
                }
            }
        }
        for (name, template) in &self.headers {
            if let Some(value) = filled(template, &Place::Header(name.clone()), fill) {
                request.headers.push((name.clone(), text(&value)));
            }
        }
        request.body = self.body.as_ref().map(|body| match body {
            Body::Json(template) => Body::Json(body_filled(template, "", fill).unwrap_or_default()),
            Body::Form(template) => Body::Form(body_filled(template, "", fill).unwrap_or_default()),
        });
        request
    }

    fn path_filled(&self, fill: &mut dyn FnMut(&Place, &Hole) -> Fill) -> String {
        let mut path = String::new();
        for piece in pieces(&self.path.replace("{*", "{")) {
            match piece {
                Piece::Text(text) => path.push_str(&text),
                Piece::Hole(Hole::Named(parameter)) => {
                    let kind = self.kinds.get(&parameter).unwrap_or(&parameter).clone();
                    match fill(&Place::Path(parameter), &Hole::Named(kind)) {
                        Fill::Value(value) => path.push_str(&encoded(&text(&value))),
                        Fill::Raw(raw) => path.push_str(&raw),
                        Fill::Nothing => path.push('-'),
                    }
                }
                Piece::Hole(hole) => {
                    if let Fill::Value(value) = fill(&Place::Path("new".to_owned()), &hole) {
                        path.push_str(&encoded(&text(&value)));
                    }
                }
            }
        }
        path
    }
}

fn body_filled(
    template: &Value,
    pointer: &str,
    fill: &mut dyn FnMut(&Place, &Hole) -> Fill,
) -> Option<Value> {
    match template {
        Value::String(text) => filled(text, &Place::Body(pointer.to_owned()), fill),
        Value::Array(items) => {
            let items = items.iter().enumerate();
            let mut filled = Vec::new();
            for (place, item) in items {
                match body_filled(item, &format!("{pointer}/{place}"), fill) {
                    Some(Value::Array(several)) if item.is_string() => filled.extend(several),
                    Some(item) => filled.push(item),
                    None => {}
                }
            }
            Some(Value::Array(filled))
        }
        Value::Object(members) => {
            let members = members.iter().filter_map(|(name, member)| {
                Some((name.clone(), body_filled(member, &format!("{pointer}/{name}"), fill)?))
            });
            Some(Value::Object(members.collect()))
        }
        plain => Some(plain.clone()),
    }
}

/// A template filled: a value of its own type where it is one place and nothing else.
fn filled(template: &str, place: &Place, fill: &mut dyn FnMut(&Place, &Hole) -> Fill) -> Option<Value> {
    let pieces = pieces(template);
    if let [Piece::Hole(hole)] = pieces.as_slice() {
        return match fill(place, hole) {
            Fill::Value(value) => Some(value),
            Fill::Raw(raw) => Some(Value::String(raw)),
            Fill::Nothing => None,
        };
    }
    let mut whole = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => whole.push_str(&text),
            Piece::Hole(hole) => match fill(place, &hole) {
                Fill::Value(value) => whole.push_str(&text(&value)),
                Fill::Raw(raw) => whole.push_str(&raw),
                Fill::Nothing => return None,
            },
        }
    }
    Some(Value::String(whole))
}
