import type { Comparison } from "../../api/wire";
import { routePath } from "../../lib/route";
import { Link } from "../../parts/link";
import { Message } from "../../parts/message";
import { clockText, goalText, intervalNote, sentence, summaryRows, type SummaryRow } from "./summary";

/** The comparison in numbers, with what limits it. */
export function Summary({ comparison }: { comparison: Comparison }) {
  const rows = summaryRows(comparison);
  return (
    <section aria-labelledby="summary" class="compare-summary">
      <h2 id="summary">Summary</h2>
      <p class="compare-note">
        Goal: <bdi>{goalText(comparison)}</bdi>. {clockText(comparison)} {intervalNote(comparison)}
        {rows.some(({ oversubscribed }) => oversubscribed) &&
          " Oversubscribed workers need more cores than the machine has."}
      </p>
      {comparison.warnings.length > 0 && (
        <Message tone="warn">
          <ul class="compare-warnings">
            {comparison.warnings.map((warning) => (
              <li key={warning}>{sentence(warning)}</li>
            ))}
          </ul>
        </Message>
      )}
      <div class="compare-table" tabIndex={0} role="region" aria-label="Summary of the groups">
        <table>
          <thead>
            <tr>
              <th scope="col">Group</th>
              <th scope="col">Workers</th>
              <th scope="col" title="Trainings that have ended">
                n
              </th>
              <th scope="col">Reached</th>
              <th scope="col">Time to accuracy</th>
              <th scope="col">Speed-up</th>
              <th scope="col">Efficiency</th>
              <th scope="col">Compute</th>
              <th scope="col">Transfer</th>
              <th scope="col">Waiting</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row, index) => (
              <Row key={index} row={row} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

/** How many runs of a group have a link. */
const LINKS = 8;

function Row({ row }: { row: SummaryRow }) {
  const more = row.runs.length - LINKS;
  return (
    <tr>
      <th scope="row">
        <bdi class="compare-label">{row.label}</bdi>
        <span class="compare-runs">
          {row.runs.slice(0, LINKS).map((id) => (
            <Link key={id} to={routePath({ page: "run", id })} label={`Run ${id}`}>
              #{id}
            </Link>
          ))}
          {more > 0 && `and ${more} more`}
        </span>
        {row.reason !== "" && <span class="compare-reason">{row.reason}</span>}
      </th>
      <td data-label="Workers">
        {row.workers}
        {row.oversubscribed && <span class="compare-minor">oversubscribed</span>}
      </td>
      <td data-label="n">{row.n}</td>
      <td data-label="Reached">{row.reached}</td>
      <td data-label="Time to accuracy">
        {row.time}
        {row.timeInterval !== "" && <span class="compare-minor">{row.timeInterval}</span>}
      </td>
      <td data-label="Speed-up">
        {row.speedUp}
        {row.speedUpInterval !== "" && <span class="compare-minor">{row.speedUpInterval}</span>}
      </td>
      <td data-label="Efficiency">{row.efficiency}</td>
      <td data-label="Compute">{row.compute}</td>
      <td data-label="Transfer">{row.transfer}</td>
      <td data-label="Waiting">{row.waiting}</td>
    </tr>
  );
}
