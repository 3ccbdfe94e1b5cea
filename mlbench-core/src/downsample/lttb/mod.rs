//! Largest-Triangle-Three-Buckets: keeps the points that shape a chart.
//!
//! Sveinn Steinarsson, *Downsampling Time Series for Visual Representation*, M.Sc. thesis, University of Iceland, 2013,
//! section 4.2. The first and the last point are kept. The points between them are divided into N − 2 buckets. Each
//! bucket keeps the point that spans the largest triangle with the previously kept point and the mean of the next
//! bucket.
//!
//! Selecting needs the complete next bucket, so two buckets are in memory. A large bucket is reduced to the corners of
//! its convex hull: with two corners given, the area of a triangle is the absolute value of a linear function of the
//! third, and such a function is largest at a corner of the convex hull.

mod corner;
mod hull;
mod select;

pub use select::Lttb;
