//! Spans as every markup can say them: no style within itself, none over the end of a line, and none that the markup
//! does not have, or not within another.

use std::borrow::Cow;

use super::super::span::{Rich, Span, Style};
use super::Printer;

/// A text, so that each of its styles is a pair of marks in one line.
pub(super) fn of<'t>(printer: &dyn Printer, text: &'t [Span]) -> Cow<'t, [Span]> {
    let shows_styles = !printer.marks(Style::Bold).0.is_empty();
    if !shows_styles
        || text
            .iter()
            .all(|span| is_normal(printer, span, &mut Vec::new()))
    {
        return Cow::Borrowed(text);
    }
    let mut normal = Rich::new();
    push_all(printer, text, &mut Vec::new(), &mut normal);
    Cow::Owned(normal)
}

fn is_normal(printer: &dyn Printer, span: &Span, open: &mut Vec<Style>) -> bool {
    let Some((style, inside)) = span.emphasis() else {
        return open.is_empty() || !ends_line(span);
    };
    if is_lost(printer, style, open) {
        return false;
    }
    open.push(style);
    let is_normal = inside.iter().all(|span| is_normal(printer, span, open));
    open.pop();
    is_normal
}

/// Whether a style is not shown within those that are open.
fn is_lost(printer: &dyn Printer, style: Style, open: &[Style]) -> bool {
    open.contains(&style)
        || !(open.is_empty() || printer.nests())
        || printer.marks(style).0.is_empty()
}

/// Whether no style goes on over it.
fn ends_line(span: &Span) -> bool {
    matches!(span, Span::LineBreak | Span::CodeBlock(_) | Span::Bullet)
}

fn push_all(printer: &dyn Printer, text: &[Span], open: &mut Vec<Style>, out: &mut Rich) {
    for span in text {
        let Some((style, inside)) = span.emphasis() else {
            push(span.clone(), out);
            continue;
        };
        if is_lost(printer, style, open) {
            push_all(printer, inside, open, out);
            continue;
        }
        let mut within = Rich::new();
        open.push(style);
        push_all(printer, inside, open, &mut within);
        open.pop();
        let mut line = Rich::new();
        for span in within {
            if ends_line(&span) {
                push_styled(style, std::mem::take(&mut line), out);
                push(span, out);
            } else {
                line.push(span);
            }
        }
        push_styled(style, line, out);
    }
}

/// A line in a style, which the white space at its ends is no part of.
fn push_styled(style: Style, mut line: Rich, out: &mut Rich) {
    let mut before = String::new();
    while let Some(Span::Text(text)) = line.first_mut() {
        let words = text.trim_start().len();
        before.extend(text.drain(..text.len() - words));
        if words > 0 {
            break;
        }
        line.remove(0);
    }
    let mut behind = String::new();
    while let Some(Span::Text(text)) = line.last_mut() {
        let words = text.trim_end().len();
        behind.insert_str(0, &text.split_off(words));
        if words > 0 {
            break;
        }
        line.pop();
    }
    push(Span::Text(before), out);
    if !line.is_empty() {
        push(Span::emphasised(style, line), out);
    }
    push(Span::Text(behind), out);
}

/// What goes on with what was last is one with it.
fn push(span: Span, out: &mut Rich) {
    match (out.last_mut(), span) {
        (_, Span::Text(text)) if text.is_empty() => {}
        (Some(Span::Text(last)), Span::Text(text)) => last.push_str(&text),
        (Some(Span::Bold(last)), Span::Bold(text))
        | (Some(Span::Italic(last)), Span::Italic(text))
        | (Some(Span::Strike(last)), Span::Strike(text))
        | (Some(Span::Underline(last)), Span::Underline(text)) => {
            for span in text {
                push(span, last);
            }
        }
        (_, span) => out.push(span),
    }
}
