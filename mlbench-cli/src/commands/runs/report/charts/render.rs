//! Charts as files: SVG, and PNG with twice as many pixels, so that it is sharp on every screen.

use std::error::Error;
use std::fmt::Display;

use plotters::drawing::IntoDrawingArea as _;
use plotters::style::RGBColor;
use plotters_bitmap::BitMapBackend;
use plotters_svg::SVGBackend;

use super::canvas::Canvas;
use super::chart::Chart;
use super::frame::WIDTH;

const WHITE: RGBColor = RGBColor(0xff, 0xff, 0xff);
const PNG_SCALE: f64 = 2.0;
/// plotters places text in the middle of its line, which is above the middle of the letters.
const PNG_RISE: f64 = 0.2;

/// Returns a chart as SVG.
pub(crate) fn svg(chart: &Chart) -> Result<String, String> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, size(chart, 1.0)).into_drawing_area();
        area.fill(&WHITE).map_err(problem)?;
        chart.draw(&Canvas { area: &area, scale: 1.0, rise: 0.0, is_drawn: false }).map_err(problem)?;
        area.present().map_err(problem)?;
    }
    Ok(text)
}

/// Returns a chart as PNG.
pub(crate) fn png(chart: &Chart) -> Result<Vec<u8>, Box<dyn Error>> {
    let (width, height) = size(chart, PNG_SCALE);
    let mut pixels = vec![0; 3 * width as usize * height as usize];
    {
        let area = BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area();
        area.fill(&WHITE).map_err(problem)?;
        chart
            .draw(&Canvas { area: &area, scale: PNG_SCALE, rise: PNG_RISE, is_drawn: true })
            .map_err(problem)?;
        area.present().map_err(problem)?;
    }
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header()?.write_image_data(&pixels)?;
    Ok(file)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some thousand pixels")]
fn size(chart: &Chart, scale: f64) -> (u32, u32) {
    ((WIDTH * scale) as u32, (chart.height() * scale) as u32)
}

fn problem(error: impl Display) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::runs::report::charts::chart::charts;

    /// Returns a comparison with an open interval, a group without a time, and a label like markup.
    fn comparison() -> mlbench_client::Comparison {
        let group = |index: u64, workers: u32, label: &str, median: Option<f64>| {
            let estimate = |median: f64, high: Option<f64>| serde_json::json!({"n": 5, "median": median, "low": median * 0.9, "high": high, "interval": "bootstrap_95"});
            let shares = serde_json::json!({"compute": 0.5, "communication": 0.4, "transfer": null, "waiting": null, "other": 0.1});
            serde_json::json!({
                "label": label, "names": ["x"], "runs": [index],
                "parameters": {
                    "image": null, "command": "train", "backend": null, "run_all_nodes": true, "num_workers": workers,
                    "num_cpus": null, "max_bandwidth": null, "gpu_enabled": false, "light_target": false,
                    "use_horovod": false
                },
                "oversubscribed": workers > 2, "n": 5, "reached": 5,
                "time_to_accuracy": median.map(|median| estimate(median, None)),
                "no_time_reason": "no <points>", "baseline": 0,
                "speed_up": median.map(|median| estimate(8.0 / median, Some(9.0 / median))),
                "efficiency": median.map(|median| estimate(8.0 / median / f64::from(workers), None)),
                "no_speed_up_reason": null,
                "phases": {"source": "totals", "total": 1.0, "seconds": shares, "shares": shares, "steps": {}},
                "trainings": [], "all_reduce": []
            })
        };
        serde_json::from_value(serde_json::json!({
            "metric": "loss", "direction": "at_most", "goal": 0.5, "clock": "wall", "cores": 2.0,
            "groups": [
                group(1, 1, "1 worker, <a & b>", Some(8.0)), group(2, 4, "4 workers, <a & b>", Some(2.5)),
                group(3, 1, "1 worker, c", Some(9.0)), group(4, 4, "4 workers, c", None)
            ],
            "runs": [], "warnings": []
        }))
        .unwrap()
    }

    #[test]
    fn every_chart_has_its_texts_and_its_pixels() {
        let charts = charts(&comparison());
        let names: Vec<&str> = charts.iter().map(|chart| chart.words.name).collect();
        assert_eq!(names, ["time", "speed-up", "efficiency", "shares"]);
        let texts = [
            ["seconds", "no &lt;points&gt;"],
            ["ideal", "&lt;a &amp; b&gt;"],
            ["100 %", "4*"],
            ["communication", "40 %"],
        ];
        for (chart, texts) in charts.iter().zip(texts) {
            let svg = svg(chart).unwrap();
            for text in texts {
                assert!(svg.contains(text), "{}: no {text} in {svg}", chart.words.name);
            }
            let png = png(chart).unwrap();
            let decoder = png::Decoder::new(std::io::Cursor::new(&png));
            let info = decoder.read_info().unwrap();
            let (width, height) = size(chart, PNG_SCALE);
            assert_eq!((info.info().width, info.info().height), (width, height), "{}", chart.words.name);
        }
    }

    #[test]
    fn a_comparison_without_times_has_no_chart_of_them() {
        let mut comparison = comparison();
        comparison.groups.truncate(1);
        let names = |comparison: &mlbench_client::Comparison| -> Vec<&str> {
            charts(comparison).iter().map(|chart| chart.words.name).collect()
        };
        assert_eq!(names(&comparison), ["time", "shares"]);
        comparison.groups[0].time_to_accuracy = None;
        comparison.groups[0].phases = None;
        assert!(names(&comparison).is_empty());
    }
}
