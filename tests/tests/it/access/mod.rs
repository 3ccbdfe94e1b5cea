mod ingest;
mod refusals;
mod token;
