//! Charts as inline SVG. Colours are those of the page: light, dark or printed.

use std::ops::Range;

use plotters::coord::Shift;
use plotters::prelude::*;

/// A colour that stands for a name of the style sheet.
pub(super) type Colour = RGBColor;

/// Drawn in these, then replaced by the names the style sheet gives them: the page decides what they look like.
const COLOURS: [(Colour, &str, &str); 7] = [
    (INK, "#010203", "var(--faint)"),
    (LINE, "#010204", "var(--line)"),
    (MAIN, "#010205", "var(--main)"),
    (SECOND, "#010206", "var(--second)"),
    (BAND, "#010207", "var(--band)"),
    (THIRD, "#010208", "var(--third)"),
    (FOURTH, "#010209", "var(--fourth)"),
];
const INK: Colour = RGBColor(1, 2, 3);
const LINE: Colour = RGBColor(1, 2, 4);
pub(super) const MAIN: Colour = RGBColor(1, 2, 5);
pub(super) const SECOND: Colour = RGBColor(1, 2, 6);
pub(super) const BAND: Colour = RGBColor(1, 2, 7);
pub(super) const THIRD: Colour = RGBColor(1, 2, 8);
pub(super) const FOURTH: Colour = RGBColor(1, 2, 9);

/// Width and height of a chart: so that its letters can still be read on a phone, where it is three quarters as wide.
const SIZE: (u32, u32) = (480, 300);
const LETTER: u32 = 17;

/// A curve of a chart; it goes on over points without a value.
pub(super) struct Curve {
    pub colour: Colour,
    pub points: Vec<(f64, f64)>,
}

/// The area between a lower and an upper bound: place, lower, upper.
pub(super) struct Area {
    pub colour: Colour,
    pub bounds: Vec<(f64, f64, f64)>,
}

/// A chart over places that have names, such as horizons.
pub(super) struct Chart<'a> {
    /// The title, for readers who cannot see the chart.
    pub title: &'a str,
    /// Names of the places 0, 1, 2 …
    pub names: Vec<String>,
    /// Drawn below the curves.
    pub areas: Vec<Area>,
    /// Drawn with dots.
    pub curves: Vec<Curve>,
    /// After each number of the scale.
    pub unit: &'a str,
}

type Fault = Box<dyn std::error::Error>;

impl Chart<'_> {
    /// The chart as SVG; a note in its place if it cannot be drawn.
    pub(super) fn draw(&self) -> String {
        let mut svg = String::new();
        let drawn = self.draw_on(&SVGBackend::with_string(&mut svg, SIZE).into_drawing_area());
        finish(drawn.is_ok(), svg, self.title)
    }

    fn draw_on(&self, area: &DrawingArea<SVGBackend<'_>, Shift>) -> Result<(), Fault> {
        let heights =
            self.areas.iter().flat_map(|area| area.bounds.iter().flat_map(|(_, low, high)| [*low, *high]));
        let heights =
            heights.chain(self.curves.iter().flat_map(|curve| curve.points.iter().map(|point| point.1)));
        let range = around(heights.chain([0.0]));
        let span = range.end - range.start;
        let last = self.names.len().saturating_sub(1).max(1) as f64;
        let mut chart = ChartBuilder::on(area)
            .margin(8)
            .x_label_area_size(34)
            .y_label_area_size(74)
            .build_cartesian_2d(-0.2..last + 0.2, range)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(LINE)
            .axis_style(LINE)
            .label_style(("sans-serif", LETTER).into_font().color(&INK))
            .x_labels(self.names.len().max(2))
            .x_label_formatter(&|place| self.name(*place))
            .y_labels(7)
            .y_label_formatter(&|height| format!("{}{}", scale(*height, span), self.unit))
            .draw()?;
        for Area { colour, bounds: rows } in &self.areas {
            let upper = rows.iter().map(|(place, _, high)| (*place, *high));
            let lower = rows.iter().rev().map(|(place, low, _)| (*place, *low));
            chart.draw_series([Polygon::new(upper.chain(lower).collect::<Vec<_>>(), colour.mix(0.25))])?;
        }
        chart.draw_series(LineSeries::new([(-0.2, 0.0), (last + 0.2, 0.0)], INK))?;
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

/// Times at five percentiles, some curves of them.
pub(super) struct Percentiles<'a> {
    pub title: &'a str,
    /// p50, p90, p99, p99.9 and the largest, ns.
    pub curves: Vec<(Colour, [Option<u64>; 5])>,
}

/// Times grow upwards by powers of ten; to the right each step leaves a tenth of what was left.
pub(super) fn percentiles(chart: &Percentiles<'_>) -> String {
    let mut svg = String::new();
    let drawn = draw_percentiles(chart, &SVGBackend::with_string(&mut svg, SIZE).into_drawing_area());
    finish(drawn.is_ok(), svg, chart.title)
}

fn draw_percentiles(chart: &Percentiles<'_>, area: &DrawingArea<SVGBackend<'_>, Shift>) -> Result<(), Fault> {
    let points = |values: &[Option<u64>; 5]| -> Vec<(f64, f64)> {
        let places = (0..).map(f64::from).zip(values);
        places.filter_map(|(place, ns)| Some((place, ((*ns)?.max(1) as f64).log10()))).collect()
    };
    let heights = || chart.curves.iter().flat_map(|(_, values)| points(values)).map(|point| point.1);
    let low = heights().fold(f64::INFINITY, f64::min).floor();
    let high = heights().fold(f64::NEG_INFINITY, f64::max).ceil();
    let range = if low > high { 0.0..1.0 } else { low..high.max(low + 1.0) };
    let decades = (range.end - range.start) as usize + 1;
    let names = ["p50", "p90", "p99", "p99.9", "max"];
    let mut context = ChartBuilder::on(area)
        .margin(8)
        .x_label_area_size(34)
        .y_label_area_size(74)
        .build_cartesian_2d(-0.2..4.2, range)?;
    context
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(LINE)
        .axis_style(LINE)
        .label_style(("sans-serif", LETTER).into_font().color(&INK))
        .x_labels(names.len())
        .x_label_formatter(&|place| {
            whole(*place).and_then(|place| names.get(place)).map_or("", |name| name).to_owned()
        })
        .y_labels(decades)
        .y_label_formatter(&|power| whole(*power).map(decade).unwrap_or_default())
        .draw()?;
    for (colour, values) in &chart.curves {
        context.draw_series(LineSeries::new(points(values), colour.stroke_width(2)))?;
        context
            .draw_series(points(values).into_iter().map(|point| Circle::new(point, 3, colour.filled())))?;
    }
    area.present()?;
    Ok(())
}

fn whole(place: f64) -> Option<usize> {
    let whole = place.round();
    ((place - whole).abs() < 0.01 && whole >= 0.0).then_some(whole as usize)
}

/// A power of ten, ns.
fn decade(power: usize) -> String {
    const UNITS: [&str; 4] = ["ns", "µs", "ms", "s"];
    let unit = (power / 3).min(UNITS.len() - 1);
    format!("1{} {}", "0".repeat(power - 3 * unit), UNITS[unit])
}

/// A mean with its interval, and the band it is held against.
pub(super) struct Interval {
    pub name: String,
    pub at: f64,
    pub bounds: Option<(f64, f64)>,
    pub band: Option<(f64, f64)>,
}

/// Intervals below one another, in percent; none if there are too few or too many to be seen at a glance.
pub(super) fn intervals(title: &str, rows: &[Interval]) -> Option<String> {
    if !(2..=12).contains(&rows.len()) {
        return None;
    }
    let size = (SIZE.0, 62 + 34 * rows.len() as u32);
    let mut svg = String::new();
    let drawn = draw_intervals(rows, &SVGBackend::with_string(&mut svg, size).into_drawing_area());
    Some(finish(drawn.is_ok(), svg, title))
}

fn draw_intervals(rows: &[Interval], area: &DrawingArea<SVGBackend<'_>, Shift>) -> Result<(), Fault> {
    let ends = |pair: Option<(f64, f64)>| pair.into_iter().flat_map(|(low, high)| [low, high]);
    let values = rows.iter().flat_map(|row| ends(row.bounds).chain(ends(row.band)).chain([row.at]));
    let range = around(values.chain([0.0]));
    let span = range.end - range.start;
    let bottom = rows.len() as f64;
    let mut context = ChartBuilder::on(area)
        .margin(8)
        .margin_right(24)
        .x_label_area_size(34)
        .y_label_area_size(160)
        .build_cartesian_2d(range.clone(), bottom..0.0)?;
    context
        .configure_mesh()
        .disable_y_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(LINE)
        .axis_style(LINE)
        .label_style(("sans-serif", LETTER).into_font().color(&INK))
        .x_labels(5)
        .x_label_formatter(&|value| format!("{} %", scale(*value, span)))
        .y_labels(0)
        .draw()?;
    context.draw_series(LineSeries::new([(0.0, 0.0), (0.0, bottom)], INK))?;
    for (place, row) in (0..).map(f64::from).zip(rows) {
        let middle = place + 0.5;
        if let Some((low, high)) = row.band {
            let corners = [(low, place + 0.15), (high, place + 0.85)];
            context.draw_series([Rectangle::new(corners, BAND.mix(0.35).filled())])?;
        }
        if let Some((low, high)) = row.bounds {
            context.draw_series(LineSeries::new([(low, middle), (high, middle)], MAIN.stroke_width(3)))?;
        }
        context.draw_series([Circle::new((row.at, middle), 4, MAIN.filled())])?;
        let (_, height) = context.backend_coord(&(0.0, middle));
        let style = ("sans-serif", LETTER).into_font().color(&INK);
        area.draw_text(&shown(&row.name), &style.into_text_style(area), (6, height - LETTER as i32 / 2))?;
    }
    area.present()?;
    Ok(())
}

/// A name that has room beside a chart.
fn shown(name: &str) -> String {
    const LETTERS: usize = 18;
    if name.chars().count() <= LETTERS {
        name.to_owned()
    } else {
        name.chars().take(LETTERS - 1).chain(['…']).collect()
    }
}

/// A number of the scale, as fine as the scale asks for; nothing is not below zero.
fn scale(height: f64, span: f64) -> String {
    let places = match span {
        span if span >= 8.0 => 0,
        span if span >= 0.8 => 1,
        span if span >= 0.08 => 2,
        _ => 3,
    };
    let text = format!("{height:.places$}");
    if text.trim_start_matches(['-', '0', '.']).is_empty() {
        "0".to_owned()
    } else {
        text.replace('-', "−")
    }
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
    fn times_are_drawn_by_powers_of_ten_and_told_in_units() {
        let values = [Some(900), Some(20_000), Some(3_000_000), Some(3_000_000), Some(2_000_000_000)];
        let svg =
            percentiles(&Percentiles { title: "times", curves: vec![(THIRD, values), (MAIN, [None; 5])] });
        for text in ["100 ns", "1 µs", "10 ms", "10 s", "p99.9", "max", "var(--third)"] {
            assert!(svg.contains(text), "{text}: {svg}");
        }
        assert!(percentiles(&Percentiles { title: "none", curves: Vec::new() }).starts_with("<svg"));
    }

    #[test]
    fn intervals_are_drawn_where_they_can_be_compared() {
        let interval = |name: &str, at| Interval {
            name: name.to_owned(),
            at,
            bounds: Some((at - 1.0, at + 1.0)),
            band: Some((-0.5, 0.5)),
        };
        assert_eq!(intervals("one", &[interval("a", 1.0)]), None);
        let svg =
            intervals("two", &[interval("post", 1.0), interval("a_name_that_is_too_long_for_it", -2.0)])
                .expect("a chart");
        assert!(svg.contains("post") && svg.contains("a_name_that_is_to…"), "{svg}");
    }

    #[test]
    fn nothing_draws_nothing_wrong() {
        assert!(path(&[], "none").starts_with("<svg"));
        let chart =
            Chart { title: "none", names: Vec::new(), areas: Vec::new(), curves: Vec::new(), unit: "" };
        assert!(chart.draw().starts_with("<svg"));
    }
}
