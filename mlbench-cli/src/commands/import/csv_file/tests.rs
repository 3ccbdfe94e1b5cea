use super::*;

fn file(text: &[u8]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

fn read_all(text: &str) -> Batch {
    let file = file(text.as_bytes());
    let header = read_header(file.path(), Look::Last).unwrap().unwrap();
    read(file.path(), &header, header.rows, Look::Last).unwrap()
}

/// Returns `step epoch name=value` of each point.
fn points(batch: &Batch) -> Vec<String> {
    let text = |number: Option<String>| number.unwrap_or_else(|| "-".to_owned());
    let points = batch.points.iter().map(|point| {
        let step = text(point.step.map(|step| step.to_string()));
        format!("{step} {} {}={}", text(point.epoch.map(|epoch| epoch.to_string())), point.name, point.value)
    });
    points.collect()
}

#[test]
fn a_column_is_a_metric_and_empty_cells_have_no_point() {
    let batch = read_all("\u{feff}Step, epoch ,\"loss, train\",acc\n1,0.5,0.50,\n 2.0 ,1,nan, 1e-3 \n");
    let expected = ["1 0.5 loss, train=0.50", "2 1 loss, train=nan", "2 1 acc=1e-3"];
    assert_eq!((points(&batch), batch.bad.count), (expected.map(str::to_owned).to_vec(), 0));
}

#[test]
fn a_row_is_a_metric_where_name_and_value_are_columns() {
    let batch =
        read_all("metric,run_id,value,date\nloss,1,0.5,2018-08-03 09:21:29\nacc,1,,\nacc,1,2,1533288090\n");
    assert_eq!(points(&batch), ["- - loss=0.5", "- - acc=2"]);
    let dates: Vec<String> = batch.points.iter().map(|point| point.date.unwrap().to_string()).collect();
    assert_eq!(dates, ["2018-08-03T09:21:29.000000Z", "2018-08-03T09:21:30.000000Z"]);
}

#[test]
fn bad_cells_are_named_and_the_others_read() {
    let batch = read_all("step,time,a,b\n1,1533288089,x,1\n\nx,1533288089,2,2\n3,,3\n4,soon,4,4\n5,,5,5\n");
    assert_eq!(points(&batch), ["1 - b=1", "5 - a=5", "5 - b=5"]);
    let expected = [
        "line 2, column 3 (\"a\"): \"x\": not a number; leave the cell empty where a metric has no value",
        "line 4, column 1 (\"step\"): \"x\": a step is a whole number",
        "line 5: 3 cells; the first row names 4 columns",
        "line 6, column 2 (\"time\"): \"soon\": a date is written like 2018-08-03T09:21:29Z, or as seconds since 1970",
    ];
    assert_eq!((batch.bad.reports, batch.bad.count), (expected.map(str::to_owned).to_vec(), 4));
}

#[test]
fn seconds_since_the_beginning_are_a_metric() {
    assert_eq!(points(&read_all("step,time,loss\n1,0.5,3\n")), ["1 - time=0.5", "1 - loss=3"]);
}

#[test]
fn a_first_row_without_names_is_refused() {
    for (text, problem) in [
        ("", "line 1: no row with the names of the columns; add one"),
        ("1,2\n3,4\n", "line 1: holds numbers; add a row with the names of the columns"),
        ("step,date\n1,1533288089\n", "line 1: no column is a metric; name each metric in this row"),
        ("a,b,a\n", "line 1, column 3: \"a\" is there twice; rename one"),
    ] {
        assert_eq!(read_header(file(text.as_bytes()).path(), Look::Last).unwrap_err(), problem, "{text:?}");
    }
}

#[test]
fn a_line_that_is_being_written_waits_for_its_end() {
    let text = "step,loss\n1,0.5\n2,0.25\n3,0.1";
    let file = file(text.as_bytes());
    let header = read_header(file.path(), Look::Growing).unwrap().unwrap();
    let batch = read(file.path(), &header, header.rows, Look::Growing).unwrap();
    assert_eq!((points(&batch).len(), batch.end.byte, batch.end.line), (2, 23, 3));
    let rest = read(file.path(), &header, batch.end, Look::Last).unwrap();
    assert_eq!(points(&rest), ["3 - loss=0.1"]);
    std::fs::write(file.path(), "step,lo").unwrap();
    assert!(read_header(file.path(), Look::Growing).unwrap().is_none());
}

#[test]
fn a_row_that_has_grown_since_it_was_read_is_named() {
    let file = file(b"step,loss\n1,0.5\n2,0.1");
    let header = read_header(file.path(), Look::Last).unwrap().unwrap();
    let first = read(file.path(), &header, header.rows, Look::Last).unwrap();
    assert_eq!((points(&first).len(), first.stop), (2, Stop::End));
    let resumed = |text: &str| {
        std::fs::write(file.path(), text).unwrap();
        read(file.path(), &header, first.end, Look::Last).unwrap()
    };
    assert_eq!(points(&resumed("step,loss\n1,0.5\n2,0.1\n3,0.7\n")).len(), 1);
    let grown = resumed("step,loss\n1,0.5\n2,0.125\n3,0.7\n");
    let Stop::Damaged(why) = &grown.stop else { panic!("{grown:?}") };
    assert!(why.starts_with("line 3 has grown since it was imported"), "{why}");
    assert_eq!(grown.end, first.end);
}

#[test]
fn a_resumed_file_counts_its_lines_on() {
    let text = "step,loss\r\n1,0.5\r\n2,x\r\n";
    let file = file(text.as_bytes());
    let header = read_header(file.path(), Look::Last).unwrap().unwrap();
    let second = Position { byte: 18, line: 2 };
    for begin in [header.rows, second] {
        let batch = read(file.path(), &header, begin, Look::Last).unwrap();
        assert!(batch.bad.reports[0].starts_with("line 3, column 2"), "{:?}", batch.bad.reports);
    }
}

#[test]
fn a_row_without_an_end_takes_bounded_memory() {
    let text = ["step,loss\n1,0.5\n2,\"".to_owned(), "x\n".repeat(1 << 20)].concat();
    let file = file(text.as_bytes());
    let header = read_header(file.path(), Look::Last).unwrap().unwrap();
    let batch = read(file.path(), &header, header.rows, Look::Last).unwrap();
    assert_eq!(points(&batch), ["1 - loss=0.5"]);
    assert_eq!(batch.stop, Stop::Damaged("the row of line 3 has over 1 MiB".to_owned()));
}

#[test]
fn a_header_waits_for_the_row_that_says_what_its_time_is() {
    let file = file(b"step,time,loss\n");
    assert!(read_header(file.path(), Look::Growing).unwrap().is_none());
    std::fs::write(file.path(), "step,time,loss\n1,,3\n2,0.").unwrap();
    assert!(read_header(file.path(), Look::Growing).unwrap().is_none());
    std::fs::write(file.path(), "step,time,loss\n1,,3\n2,0.5,4\n").unwrap();
    let header = read_header(file.path(), Look::Growing).unwrap().unwrap();
    let batch = read(file.path(), &header, header.rows, Look::Growing).unwrap();
    assert_eq!(points(&batch), ["1 - loss=3", "2 - time=0.5", "2 - loss=4"]);
    std::fs::write(file.path(), "step,loss\n").unwrap();
    assert!(read_header(file.path(), Look::Growing).unwrap().is_some(), "there is no date to wait for");
}

#[test]
fn a_number_that_is_no_date_is_not_1970() {
    let batch = read_all("step,time,loss\n1,1533288089,3\n2,0.5,4\n");
    assert_eq!((points(&batch).len(), batch.bad.count), (1, 1), "{batch:?}");
}

#[test]
fn a_row_that_is_torn_in_its_quotes_or_cells_waits() {
    let torn = ["step,loss,word\n1,0.5,\"a\n", "step,loss,word\n1,0.5", "step,loss,word\n1,0.5,\"a\nb\","];
    for text in torn {
        let file = file(text.as_bytes());
        let header = read_header(file.path(), Look::Growing).unwrap().unwrap();
        let batch = read(file.path(), &header, header.rows, Look::Growing).unwrap();
        assert_eq!((batch.stop, batch.end, batch.bad.count), (Stop::Incomplete, header.rows, 0), "{text:?}");
    }
    let short = file(torn[1].as_bytes());
    let header = read_header(short.path(), Look::Last).unwrap().unwrap();
    let batch = read(short.path(), &header, header.rows, Look::Last).unwrap();
    assert_eq!((batch.stop, batch.end), (Stop::Incomplete, header.rows), "cells are missing");
    let empty = file(b"step,loss\n1,0.5\n\n\n");
    let header = read_header(empty.path(), Look::Growing).unwrap().unwrap();
    let batch = read(empty.path(), &header, header.rows, Look::Growing).unwrap();
    assert_eq!((batch.stop, batch.points.len()), (Stop::End, 1), "empty lines are no torn row");
}
