// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Entry of the console.

import { createRoot } from 'react-dom/client';
import { App } from './App';
import { applyTheme, loadTheme } from '../../shared/theme';
import './theme.css';
import './styles.css';

applyTheme(loadTheme());
const root = document.getElementById('root');
if (root) createRoot(root).render(<App />);
