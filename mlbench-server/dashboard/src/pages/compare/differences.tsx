import type { Run } from "../../api/wire";
import { routePath } from "../../lib/route";
import { Link } from "../../parts/link";
import { differingLabels } from "./differing-labels";

/** How many runs have a column. */
const COLUMNS = 20;

/** The parameters and tags in which runs differ, with a column for each run. */
export function Differences({ runs }: { runs: readonly Run[] }) {
  const shown = runs.slice(0, COLUMNS);
  const { labels, equal } = differingLabels(shown);
  if (shown.length < 2 || labels.length + equal === 0) return null;
  return (
    <section aria-labelledby="differences">
      <h2 id="differences">Parameters and tags that differ</h2>
      <p class="compare-note">
        {labels.length === 0 && "All of them are the same. "}
        {equal > 0 && labels.length > 0 && `${equal} more are the same in all of these runs. `}
        {shown.length < runs.length && `These are the first ${COLUMNS} of ${runs.length} runs.`}
      </p>
      {labels.length > 0 && (
        <div class="compare-table" tabIndex={0} role="region" aria-label="Parameters and tags that differ">
          <table>
            <thead>
              <tr>
                <th scope="col">Name</th>
                {shown.map(({ id, name }) => (
                  <th key={id} scope="col" title={name}>
                    <Link to={routePath({ page: "run", id })} label={`Run ${id}: ${name}`}>
                      #{id}
                    </Link>
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {labels.map(({ kind, name, values }) => (
                <tr key={`${kind} ${name}`}>
                  <th scope="row">
                    <bdi>{name}</bdi>
                    {kind === "tag" && <span class="compare-minor">tag</span>}
                  </th>
                  {values.map((value, index) => (
                    <td
                      key={index}
                      class="compare-value"
                      data-label={`#${shown[index]?.id ?? ""}`}
                      dir="auto"
                    >
                      {value === "" ? <span class="compare-minor">empty</span> : (value ?? "–")}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
