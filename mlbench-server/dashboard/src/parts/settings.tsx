import { theme, timeZone } from "../lib/settings";
import { SelectField } from "./field";
import { Popover } from "./popover";
import { SignOut } from "./session";

/** The settings of the page, kept in the browser. */
export function Settings() {
  return (
    <Popover button={<Label />} label="Settings" class="settings">
      {() => (
        <>
          <SelectField
            label="Theme"
            name="theme"
            value={theme.value}
            options={[
              ["system", "As the system"],
              ["light", "Light"],
              ["dark", "Dark"],
            ]}
            onValue={(value) => (theme.value = value)}
          />
          <SelectField
            label="Time zone"
            name="time_zone"
            value={timeZone.value}
            options={[
              ["local", `Local (${Intl.DateTimeFormat().resolvedOptions().timeZone})`],
              ["utc", "UTC"],
            ]}
            onValue={(value) => (timeZone.value = value)}
          />
          <SignOut />
        </>
      )}
    </Popover>
  );
}

/** Two sliders, beside the word where there is room. */
function Label() {
  return (
    <>
      <svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">
        <path d="M1 4.5h6m4 0h4M1 11.5h2m4 0h8" />
        <circle cx="9" cy="4.5" r="2" />
        <circle cx="5" cy="11.5" r="2" />
      </svg>
      <span class="wide">Settings</span>
    </>
  );
}
