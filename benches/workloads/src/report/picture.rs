//! The plane of throughput and utilisation, as SVG.

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;

use super::labels::{self, Area};
use super::{Means, Results};

const SIZE: (u32, u32) = (960, 640);
const FONT: &str = "sans-serif";
const LABEL: i32 = 14;
/// What a letter takes of that size, on average; rather too much.
const LETTER_WIDTH: f64 = 0.48;

const OURS: RGBColor = RGBColor(0xC0, 0x39, 0x2B);
const OTHERS: RGBColor = RGBColor(0x2C, 0x3E, 0x50);

/// A contender in the plane: to the right is fast, up is dense.
struct Dot<'r> {
    name: &'r str,
    throughput: f64,
    utilisation: f64,
    is_partial: bool,
}

impl<'r> Dot<'r> {
    /// `None` if one of both is not known.
    fn of(means: &'r Means) -> Option<Self> {
        Some(Self {
            name: &means.contender,
            throughput: 1.0 / means.to_reference.time?,
            utilisation: means.utilisation? * 100.0,
            is_partial: means.to_reference.is_partial(),
        })
    }

    fn label(&self) -> String {
        format!("{}{}", self.name, if self.is_partial { " *" } else { "" })
    }

    fn color(&self) -> RGBColor {
        if self.name.starts_with("snugfit") { OURS } else { OTHERS }
    }
}

/// Draws a dot for each contender, over all numbers of threads.
///
/// # Errors
/// If there is nothing to draw: all runs failed, or no workload holds memory.
pub(crate) fn svg(results: &Results) -> Result<String> {
    let all = results.means.iter().filter(|means| means.threads.is_none());
    let dots: Vec<Dot<'_>> = all.filter_map(Dot::of).collect();
    if dots.is_empty() {
        return Err(anyhow!("there is no throughput and utilisation to draw"));
    }
    let mut text = String::new();
    let area = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
    draw(&area, &dots, results).map_err(|error| anyhow!("cannot draw: {error}"))?;
    drop(area);
    Ok(text)
}

type Canvas<'s> = DrawingArea<SVGBackend<'s>, Shift>;

fn draw(canvas: &Canvas<'_>, dots: &[Dot<'_>], results: &Results) -> Result<(), Box<dyn std::error::Error>> {
    canvas.fill(&WHITE)?;
    let threads: Vec<String> = results.settings.threads.iter().map(usize::to_string).collect();
    let caption = format!(
        "{} workloads with {} threads: up is dense, right is fast",
        results.settings.workloads.len(),
        threads.join(", ")
    );
    let mut chart = ChartBuilder::on(canvas)
        .caption(caption, (FONT, 18))
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(56)
        .build_cartesian_2d(
            range(dots.iter().map(|dot| dot.throughput)),
            range(dots.iter().map(|dot| dot.utilisation)),
        )?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .x_desc(format!("throughput, relative to {}", results.reference))
        .y_desc("utilisation: peak live / peak resident growth, in %")
        .label_style((FONT, 13))
        .draw()?;
    let places: Vec<(i32, i32)> =
        dots.iter().map(|dot| chart.backend_coord(&(dot.throughput, dot.utilisation))).collect();
    let (x, y) = chart.plotting_area().get_pixel_range();
    let bounds = Area { left: x.start, top: y.start, right: x.end, bottom: y.end };
    let sizes: Vec<(i32, i32)> = dots.iter().map(|dot| (width(&dot.label()), LABEL)).collect();
    for ((dot, &place), area) in dots.iter().zip(&places).zip(labels::place(&places, &sizes, bounds)) {
        let color = dot.color();
        canvas.draw(&PathElement::new(vec![place, area.nearest(place)], color.mix(0.4)))?;
        canvas.draw(&Circle::new(place, 4, color.filled()))?;
        canvas.draw(&Text::new(
            dot.label(),
            (area.left, area.top),
            (FONT, LABEL).into_font().color(&color),
        ))?;
    }
    canvas.present()?;
    Ok(())
}

fn width(label: &str) -> i32 {
    (label.chars().count() as f64 * f64::from(LABEL) * LETTER_WIDTH).ceil() as i32
}

/// All of `values`, and some room around them.
fn range(values: impl Iterator<Item = f64> + Clone) -> std::ops::Range<f64> {
    let (least, most) = (values.clone().fold(f64::INFINITY, f64::min), values.fold(0.0, f64::max));
    let room = ((most - least) * 0.12).max(most * 0.02);
    (least - room).max(0.0)..most + room
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    #[test]
    fn every_contender_has_a_label() {
        let results = example::results();
        let text = svg(&results).unwrap();
        assert!(text.starts_with("<svg") && text.trim_end().ends_with("</svg>"), "{text}");
        for contender in &results.contenders {
            let label = format!("\n{}\n</text>", contender.name);
            assert!(text.contains(&label), "{}:\n{text}", contender.name);
        }
        assert_eq!(text.matches("<circle").count(), results.contenders.len());
    }

    #[test]
    fn nothing_is_no_picture() {
        let mut results = example::results();
        results.means.clear();
        assert!(svg(&results).is_err());
    }

    #[test]
    fn a_range_holds_all_values_even_if_there_is_one() {
        let around = range([2.0].into_iter());
        assert!(around.start < 2.0 && 2.0 < around.end);
    }
}
