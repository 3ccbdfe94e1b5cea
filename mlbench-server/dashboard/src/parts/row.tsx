import { Component, type ComponentChildren } from "preact";

/** A column of a table of `T`. */
export interface Column<T> {
  key: string;
  header: ComponentChildren;
  /** A CSS width; one column without takes what is left. */
  width?: string;
  class?: string;
  sortable?: boolean;
  /** Renders the cell. Controls in it take `tabIndex`, so that Tab only stops in the active row. */
  cell: (row: T, tabIndex: 0 | -1) => ComponentChildren;
}

/** What a row depends on. */
export interface RowProps<T> {
  row: T;
  index: number;
  columns: readonly Column<T>[];
  height: number;
  class: string;
  /** 0 for the active row, the one that Tab reaches. */
  tabIndex: 0 | -1;
  onActive: (index: number) => void;
}

/** A row of a table. It renders again only for what it depends on, so that a scroll renders the new rows alone. */
export class Row<T> extends Component<RowProps<T>> {
  override shouldComponentUpdate(next: RowProps<T>): boolean {
    const { props } = this;
    return (
      next.row !== props.row ||
      next.index !== props.index ||
      next.columns !== props.columns ||
      next.class !== props.class ||
      next.tabIndex !== props.tabIndex
    );
  }

  override render({ row, index, columns, height, tabIndex, onActive, ...props }: RowProps<T>) {
    return (
      <tr
        data-row={index}
        aria-rowindex={index + 2}
        tabIndex={tabIndex}
        class={props.class}
        style={{ height: `${height}px` }}
        onFocusIn={() => onActive(index)}
      >
        {columns.map((column) => (
          <td key={column.key} class={column.class ?? ""}>
            {column.cell(row, tabIndex)}
          </td>
        ))}
      </tr>
    );
  }
}
