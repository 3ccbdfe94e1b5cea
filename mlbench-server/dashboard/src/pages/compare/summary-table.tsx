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
      <td>
        {row.workers}
        {row.oversubscribed && <span class="compare-minor">more than the machine has cores for</span>}
      </td>
      <td>{row.n}</td>
      <td>{row.reached}</td>
      <td>
        {row.time}
        {row.timeInterval !== "" && <span class="compare-minor">{row.timeInterval}</span>}
      </td>
      <td>{row.speedUp}</td>
      <td>{row.efficiency}</td>
      <td>{row.compute}</td>
      <td>{row.transfer}</td>
      <td>{row.waiting}</td>
    </tr>
  );
}
