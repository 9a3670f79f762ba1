//! A chart of what was measured, as SVG: a bar for each build, by processor time and by messages a second.

use std::fmt::Write as _;

use crate::report::{Figure, Report, median};

const WIDTH: f64 = 720.0;
const LEFT: f64 = 190.0;
const BAR: f64 = 22.0;
const ROW: f64 = 30.0;
const HEAD: f64 = 40.0;

/// Draws builds, each by the medians of its runs.
#[must_use]
pub fn svg(builds: &[(String, Vec<Report>)]) -> String {
    let parts: [(&str, usize, Figure); 2] = [
        (
            "Processor time a message, ms (less is better)",
            2,
            |report| report.processor_ms,
        ),
        ("Messages a second (more is better)", 0, |report| {
            report.messages_per_second
        }),
    ];
    let mut rows = String::new();
    let mut y = 8.0;
    for (title, digits, of) in parts {
        y += HEAD - 12.0;
        let _ = writeln!(
            rows,
            r#"<text x="8" y="{y}" font-weight="bold">{title}</text>"#
        );
        y += 12.0;
        let figures = builds
            .iter()
            .map(|(_, runs)| median(runs, of))
            .collect::<Vec<_>>();
        let most = figures.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        for ((name, _), figure) in builds.iter().zip(figures) {
            let (width, name) = ((WIDTH - LEFT - 80.0) * figure / most, escaped(name));
            let (text, end) = (y + BAR - 6.0, LEFT + width + 6.0);
            let _ = writeln!(
                rows,
                r#"<text x="{}" y="{text}" text-anchor="end">{name}</text>"#,
                LEFT - 8.0
            );
            let _ = writeln!(
                rows,
                r##"<rect x="{LEFT}" y="{y}" width="{width:.1}" height="{BAR}" fill="#3b6ea8"/>"##
            );
            let _ = writeln!(
                rows,
                r#"<text x="{end:.1}" y="{text}">{figure:.digits$}</text>"#
            );
            y += ROW;
        }
    }
    let height = y + 8.0;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"sans-serif\" font-size=\"13\" role=\"img\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n{rows}</svg>"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_their_figures() {
        let of = |processor_ms| {
            vec![Report {
                processor_ms,
                ..Report::default()
            }]
        };
        let drawn = svg(&[("a <b".to_owned(), of(2.0)), ("c".to_owned(), of(1.0))]);
        assert!(drawn.contains("a &lt;b"), "{drawn}");
        let widths = drawn
            .split("width=\"")
            .filter_map(|rest| rest.split('"').next()?.parse::<f64>().ok());
        let widths = widths.collect::<Vec<_>>();
        assert!(
            widths.contains(&450.0) && widths.contains(&225.0),
            "{widths:?}"
        );
    }
}
