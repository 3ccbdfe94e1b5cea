import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

/** What every field of a form has. */
export interface FieldProps {
  label: string;
  /** The name that the server's messages use, such as `num_workers`. */
  name: string;
  /** What the value means, or its unit. */
  help?: ComponentChildren;
  /** What is wrong with the value. */
  error?: string | undefined;
}

/** The attributes that tie a control to its label, help and error. */
interface Ties {
  id: string;
  name: string;
  "aria-describedby": string | undefined;
  "aria-invalid": boolean | undefined;
}

function Field({
  label,
  name,
  help,
  error,
  control,
}: FieldProps & { control: (ties: Ties) => ComponentChildren }) {
  const id = useId();
  const [helpId, errorId] = [`${id}-help`, `${id}-error`];
  const described = [error === undefined ? "" : errorId, help === undefined ? "" : helpId].join(" ").trim();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {control({
        id,
        name,
        "aria-describedby": described === "" ? undefined : described,
        "aria-invalid": error === undefined ? undefined : true,
      })}
      {error !== undefined && (
        <p class="field-error" id={errorId}>
          {error}
        </p>
      )}
      {help !== undefined && (
        <p class="field-help" id={helpId}>
          {help}
        </p>
      )}
    </div>
  );
}

/** A field for a line of text, or for several. */
export interface TextFieldProps extends FieldProps {
  value: string;
  onValue: (value: string) => void;
  placeholder?: string | undefined;
  required?: boolean;
  maxLength?: number;
  /** Which keyboard a phone shows. */
  inputMode?: "text" | "numeric" | "decimal";
  /** How many lines it has; without, the field takes one line. */
  rows?: number;
  /** Shows the text in the typeface of programs. */
  code?: boolean;
  /** Shows dots instead of the text, which the browser may keep for the next visit. */
  secret?: boolean;
  autoFocus?: boolean;
}

const TEXT = { type: "text" } as const;
const PASSWORD = { type: "password" } as const;

/** A field for text. Numbers are text too: the server says what is wrong with them. */
export function TextField({
  value,
  onValue,
  code = false,
  secret = false,
  autoFocus = false,
  ...rest
}: TextFieldProps) {
  const { label, name, help, error, rows, ...input } = rest;
  const shared = {
    ...input,
    class: code ? "code" : "",
    value,
    autocomplete: secret ? "current-password" : "off",
    spellcheck: false,
    autofocus: autoFocus,
  } as const;
  return (
    <Field
      {...{ label, name, help, error }}
      control={(ties) =>
        rows === undefined ? (
          <input
            {...ties}
            {...shared}
            {...(secret ? PASSWORD : TEXT)}
            onInput={(event) => onValue(event.currentTarget.value)}
          />
        ) : (
          <textarea
            {...ties}
            {...shared}
            rows={rows}
            onInput={(event) => onValue(event.currentTarget.value)}
          />
        )
      }
    />
  );
}

/** An option of a select: its value and its words. */
export type Option<T extends string> = readonly [value: T, label: string];

/** A field with a choice of values. */
export interface SelectFieldProps<T extends string> extends FieldProps {
  value: T;
  options: readonly Option<T>[];
  onValue: (value: T) => void;
}

/** A field whose value is one of a list. */
export function SelectField<T extends string>({ value, options, onValue, ...rest }: SelectFieldProps<T>) {
  return (
    <Field
      {...rest}
      control={(ties) => (
        <select
          {...ties}
          value={value}
          onChange={(event) => {
            const chosen = options.find(([key]) => key === event.currentTarget.value);
            if (chosen !== undefined) onValue(chosen[0]);
          }}
        >
          {options.map(([key, words]) => (
            <option key={key} value={key} selected={key === value}>
              {words}
            </option>
          ))}
        </select>
      )}
    />
  );
}

/** A field that is on or off. */
export interface CheckFieldProps extends FieldProps {
  checked: boolean;
  disabled?: boolean;
  onChecked: (checked: boolean) => void;
}

/** A field that is on or off, with its label behind the box. */
export function CheckField({ label, name, help, error, checked, disabled, onChecked }: CheckFieldProps) {
  const id = useId();
  return (
    <div class="field check">
      <label>
        <input
          type="checkbox"
          name={name}
          checked={checked}
          disabled={disabled}
          aria-describedby={help === undefined && error === undefined ? undefined : id}
          aria-invalid={error === undefined ? undefined : true}
          onChange={(event) => onChecked(event.currentTarget.checked)}
        />
        {label}
      </label>
      {(error ?? help) !== undefined && (
        <p id={id} class={error === undefined ? "field-help" : "field-error"}>
          {error ?? help}
        </p>
      )}
    </div>
  );
}
