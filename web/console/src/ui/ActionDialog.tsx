// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What an action wants to know, and whether it is really meant.

import { type FormEvent, useId, useState } from 'react';
import type { Action, Field, FormValues } from '../lib/actions';
import { describeFailure } from '../lib/failure';
import { strings } from '../strings';
import { Modal } from './Modal';

interface Props {
  action: Action;
  onDone: () => void;
  onClose: () => void;
}

interface FieldProps {
  field: Field;
  value: string | boolean;
  change: (value: string | boolean) => void;
}

function FieldRow({ field, value, change }: FieldProps) {
  const hint = useId();
  const common = { required: field.required, 'aria-describedby': field.hint ? hint : undefined, 'data-testid': `field-${field.name}` };
  if (field.kind === 'check') {
    return (
      <label className="check">
        <input type="checkbox" checked={value === true} onChange={(event) => change(event.target.checked)} {...common} />
        {field.label}
      </label>
    );
  }
  const Input = field.kind === 'area' ? 'textarea' : 'input';
  return (
    <div className="hinted">
      <label className="field">
        {field.label}
        <Input
          value={String(value)} autoComplete="off" spellCheck={false} onChange={(event) => change(event.target.value)}
          {...(field.kind === 'area' && { rows: 4 })} {...common}
        />
      </label>
      {field.hint && <p id={hint} className="hint">{field.hint}</p>}
    </div>
  );
}

function useForm({ action, onDone }: Props) {
  const fields = action.fields ?? [];
  const [values, setValues] = useState<FormValues>(() => Object.fromEntries(fields.map((field) => [field.name, field.value])));
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState('');
  const run = async () => {
    setBusy(true);
    setFailure('');
    try {
      await action.run(values);
      onDone();
    } catch (error) {
      setFailure(describeFailure(error));
      setBusy(false);
    }
  };
  const change = (name: string, value: string | boolean) => setValues((old) => ({ ...old, [name]: value }));
  return { fields, values, change, busy, failure, run };
}

export function ActionDialog(props: Props) {
  const { action, onClose } = props;
  const { fields, values, change, busy, failure, run } = useForm(props);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void run();
  };
  return (
    <Modal title={action.title ?? action.label} onClose={onClose} testId="dialog">
      <form onSubmit={submit}>
        {action.text && <p>{action.text}</p>}
        {fields.map((field) => (
          <FieldRow key={field.name} field={field} value={values[field.name] ?? ''} change={(value) => change(field.name, value)} />
        ))}
        {failure && <p className="problem" role="alert" data-testid="failure"><strong>{strings.actions.failed}.</strong> {failure}</p>}
        <div className="buttons buttons--end">
          {/* First, so that it has the focus where nothing is to be filled in: Enter by chance cuts nobody off. */}
          <button type="button" onClick={onClose} data-testid="cancel">{strings.cancel}</button>
          <button type="submit" className={action.danger ? 'danger' : 'primary'} disabled={busy} data-testid="submit">
            {busy ? strings.busy : action.submit}
          </button>
        </div>
      </form>
    </Modal>
  );
}
