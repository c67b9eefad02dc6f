//! The paths in a piece of Rust, as `std::fs::File` is one.

use std::iter::Peekable;

use proc_macro2::token_stream::IntoIter;
use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// Every path in a text, split at `::`; the groups of a `use` are multiplied out.
///
/// A name on its own counts only after `use`; other lone words are no paths.
pub fn paths(text: &str) -> Vec<Vec<String>> {
    let tokens = text.parse().expect("text that is Rust");
    let mut found = Vec::new();
    visit(tokens, &mut found);
    found
}

type Tokens = Peekable<IntoIter>;

fn visit(tokens: TokenStream, found: &mut Vec<Vec<String>>) {
    let mut tokens = tokens.into_iter().peekable();
    let mut after_use = false;
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(word) if word == "use" => {
                after_use = true;
                continue;
            }
            TokenTree::Ident(word) => {
                let mut here = Vec::new();
                follow(vec![word.to_string()], &mut tokens, &mut here);
                here.retain(|path| after_use || path.len() > 1);
                found.append(&mut here);
            }
            TokenTree::Group(group) => visit(group.stream(), found),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
        after_use = false;
    }
}

/// Goes along a path as far as it reads on.
fn follow(mut path: Vec<String>, tokens: &mut Tokens, found: &mut Vec<Vec<String>>) {
    while skip_colons(tokens) {
        match tokens.peek() {
            Some(TokenTree::Ident(word)) => {
                path.push(word.to_string());
                tokens.next();
            }
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                branch(&path, group.stream(), found);
                tokens.next();
                return;
            }
            _ => break,
        }
    }
    found.push(path);
}

/// The paths of a group `{a::b, c}` that stands at the end of another path.
fn branch(trunk: &[String], group: TokenStream, found: &mut Vec<Vec<String>>) {
    let mut tokens = group.into_iter().peekable();
    while let Some(token) = tokens.next() {
        if let TokenTree::Ident(word) = token {
            let path = [trunk, &[word.to_string()]].concat();
            follow(path, &mut tokens, found);
        }
    }
}

fn skip_colons(tokens: &mut Tokens) -> bool {
    let is_colon = |token: &TokenTree| matches!(token, TokenTree::Punct(p) if p.as_char() == ':');
    let mut ahead = tokens.clone();
    let two = ahead.next().is_some_and(|token| is_colon(&token))
        && ahead.next().is_some_and(|token| is_colon(&token));
    if two {
        *tokens = ahead;
    }
    two
}
