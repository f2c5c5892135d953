//! Charts as inline SVG. Colours are those of the page: light, dark or printed.

use std::ops::Range;

use plotters::coord::Shift;
use plotters::prelude::*;

/// Drawn in these, then replaced by the names the style sheet gives them: the page decides what they look like.
const COLOURS: [(RGBColor, &str, &str); 5] = [
    (INK, "#010203", "var(--faint)"),
    (LINE, "#010204", "var(--line)"),
    (MAIN, "#010205", "var(--main)"),
    (SECOND, "#010206", "var(--second)"),
    (BAND, "#010207", "var(--band)"),
];
const INK: RGBColor = RGBColor(1, 2, 3);
const LINE: RGBColor = RGBColor(1, 2, 4);
pub(super) const MAIN: RGBColor = RGBColor(1, 2, 5);
pub(super) const SECOND: RGBColor = RGBColor(1, 2, 6);
pub(super) const BAND: RGBColor = RGBColor(1, 2, 7);

/// A line of a chart; points without a value break nothing but themselves.
pub(super) struct Curve {
    pub colour: RGBColor,
    pub points: Vec<(f64, f64)>,
}

/// What lies between a lower and an upper bound: place, lower, upper.
pub(super) struct Area {
    pub colour: RGBColor,
    pub bounds: Vec<(f64, f64, f64)>,
}

/// What a chart shows over places that are named, such as horizons.
pub(super) struct Chart<'a> {
    /// What it is, for readers who do not see it.
    pub title: &'a str,
    /// Names of the places 0, 1, 2 …
    pub names: Vec<String>,
    /// Behind the lines.
    pub areas: Vec<Area>,
    /// Lines with dots.
    pub curves: Vec<Curve>,
    /// Behind each number of the scale.
    pub unit: &'a str,
}

type Fault = Box<dyn std::error::Error>;

impl Chart<'_> {
    /// The chart as SVG; a note in its place if it cannot be drawn.
    pub(super) fn draw(&self) -> String {
        let mut svg = String::new();
        let drawn = self.draw_on(&SVGBackend::with_string(&mut svg, (680, 320)).into_drawing_area());
        finish(drawn.is_ok(), svg, self.title)
    }

    fn draw_on(&self, area: &DrawingArea<SVGBackend<'_>, Shift>) -> Result<(), Fault> {
        let heights =
            self.areas.iter().flat_map(|area| area.bounds.iter().flat_map(|(_, low, high)| [*low, *high]));
        let heights =
            heights.chain(self.curves.iter().flat_map(|curve| curve.points.iter().map(|point| point.1)));
        let range = around(heights.chain([0.0]));
        let last = self.names.len().saturating_sub(1).max(1) as f64;
        let mut chart = ChartBuilder::on(area)
            .margin(8)
            .x_label_area_size(28)
            .y_label_area_size(64)
            .build_cartesian_2d(-0.2..last + 0.2, range)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(LINE)
            .axis_style(LINE)
            .label_style(("sans-serif", 13).into_font().color(&INK))
            .x_labels(self.names.len().max(2))
            .x_label_formatter(&|place| self.name(*place))
            .y_label_formatter(&|height| format!("{}{}", scale(*height), self.unit))
            .draw()?;
        for Area { colour, bounds: rows } in &self.areas {
            let upper = rows.iter().map(|(place, _, high)| (*place, *high));
            let lower = rows.iter().rev().map(|(place, low, _)| (*place, *low));
            chart.draw_series([Polygon::new(upper.chain(lower).collect::<Vec<_>>(), colour.mix(0.25))])?;
        }
        for curve in &self.curves {
            chart.draw_series(LineSeries::new(curve.points.iter().copied(), curve.colour.stroke_width(2)))?;
            chart.draw_series(
                curve.points.iter().map(|point| Circle::new(*point, 3, curve.colour.filled())),
            )?;
        }
        area.present()?;
        Ok(())
    }

    /// Names stand at whole places only.
    fn name(&self, place: f64) -> String {
        let whole = place.round();
        if (place - whole).abs() > 0.01 || whole < 0.0 {
            return String::new();
        }
        self.names.get(whole as usize).cloned().unwrap_or_default()
    }
}

/// A small path of a price: a line, the moment of entry, no scale.
pub(super) fn path(points: &[(f64, f64)], title: &str) -> String {
    let mut svg = String::new();
    let drawn = draw_path(points, &SVGBackend::with_string(&mut svg, (150, 44)).into_drawing_area());
    finish(drawn.is_ok(), svg, title)
}

fn draw_path(points: &[(f64, f64)], area: &DrawingArea<SVGBackend<'_>, Shift>) -> Result<(), Fault> {
    let times = around(points.iter().map(|point| point.0));
    let heights = around(points.iter().map(|point| point.1).chain([0.0]));
    let mut chart = ChartBuilder::on(area).margin(2).build_cartesian_2d(times.clone(), heights.clone())?;
    chart.draw_series(LineSeries::new([(times.start, 0.0), (times.end, 0.0)], LINE))?;
    chart.draw_series(LineSeries::new([(0.0, heights.start), (0.0, heights.end)], SECOND))?;
    chart.draw_series(LineSeries::new(points.iter().copied(), MAIN.stroke_width(2)))?;
    area.present()?;
    Ok(())
}

/// A number of the scale; nothing is not below zero.
fn scale(height: f64) -> String {
    let text = format!("{height:.2}");
    if text == "-0.00" { "0.00".to_owned() } else { text }
}

/// A range that holds all values, with some room.
fn around(values: impl Iterator<Item = f64>) -> Range<f64> {
    let (low, high) = values
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    let room = ((high - low) * 0.05).max(1e-6);
    if low > high { -1.0..1.0 } else { low - room..high + room }
}

fn finish(is_drawn: bool, svg: String, title: &str) -> String {
    if !is_drawn || svg.is_empty() {
        return format!("<p class=\"note\">{}: nothing to draw</p>", maud::html! { (title) }.into_string());
    }
    let named = COLOURS.iter().fold(svg, |svg, (_, drawn, name)| svg.replace(drawn, name));
    let label = maud::html! { title { (title) } }.into_string();
    match named.find('>') {
        Some(end) => format!("{} role=\"img\">{label}{}", &named[..end], &named[end + 1..]),
        None => named,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_those_of_the_page() {
        for (colour, drawn, _) in COLOURS {
            assert_eq!(format!("#{:02x}{:02x}{:02x}", colour.0, colour.1, colour.2), drawn);
        }
        let chart = Chart {
            title: "A <chart>",
            names: vec!["1 m".to_owned(), "5 m".to_owned()],
            areas: vec![Area { colour: BAND, bounds: vec![(0.0, -1.0, 1.0), (1.0, -2.0, 2.0)] }],
            curves: vec![Curve { colour: MAIN, points: vec![(0.0, 0.5), (1.0, 0.7)] }],
            unit: " %",
        };
        let svg = chart.draw();
        assert!(svg.starts_with("<svg") && svg.contains("<title>A &lt;chart&gt;</title>"), "{svg}");
        assert!(svg.contains("var(--main)") && svg.contains("var(--band)") && svg.contains("1 m"), "{svg}");
        assert!(!svg.contains("#0102"), "{svg}");
        // The paper shines through: nothing is drawn white or black.
        assert!(!svg.to_lowercase().contains("#ffffff") && !svg.contains("#000000"), "{svg}");
    }

    #[test]
    fn nothing_draws_nothing_wrong() {
        assert!(path(&[], "none").starts_with("<svg"));
        let chart =
            Chart { title: "none", names: Vec::new(), areas: Vec::new(), curves: Vec::new(), unit: "" };
        assert!(chart.draw().starts_with("<svg"));
    }
}
